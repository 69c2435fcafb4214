-- Keep events in a table a day (docs/production.md), where a day has millions of them: a day that is over is
-- dropped at once instead of row by row. Run it once, with Mesoguide stopped, after its tables were made:
--   psql "$MESOGUIDE_DATABASE" -v ON_ERROR_STOP=1 -f deploy/partitions.sql
-- Mesoguide sees it and calls mesoguide_days() every ten minutes.
begin;
alter table events rename to events_whole;
alter table events_whole alter column id type bigint;
alter sequence events_id_seq as bigint;
create table events (like events_whole including defaults) partition by range ("timestamp");
alter sequence events_id_seq owned by events.id;
create index events_of_sender on events (sender_id, id);
create index events_by_time on events ("timestamp");
-- What belongs to no day yet: a day that was not made in time loses nothing.
create table events_rest partition of events default;

-- Make the tables of today and the days ahead; drop those of days that are over for so many days.
create or replace function mesoguide_days(ahead integer, kept integer) returns integer language plpgsql as $$
declare
  today date := (now() at time zone 'utc')::date;
  name text;
  dropped integer := 0;
begin
  for d in 0 .. ahead loop
    name := 'events_' || to_char(today + d, 'YYYYMMDD');
    if to_regclass(name) is null then
      execute format('create table %I (like events including defaults)', name);
      execute format(
        'with moved as (delete from events_rest where "timestamp" >= %1$s and "timestamp" < %2$s returning *)
         insert into %3$I select * from moved',
        extract(epoch from (today + d)::timestamp), extract(epoch from (today + d + 1)::timestamp), name);
      execute format(
        'alter table events attach partition %3$I for values from (%1$s) to (%2$s)',
        extract(epoch from (today + d)::timestamp), extract(epoch from (today + d + 1)::timestamp), name);
    end if;
  end loop;
  for name in
    select inhrelid::regclass::text from pg_inherits where inhparent = 'events'::regclass
  loop
    if name ~ '^events_\d{8}$' and to_date(right(name, 8), 'YYYYMMDD') < today - kept then
      execute format('drop table %I', name);
      dropped := dropped + 1;
    end if;
  end loop;
  return dropped;
end $$;

select mesoguide_days(3, 36500);
insert into events select * from events_whole;
drop table events_whole;
commit;
