-- An `events` table that was made by plain Rasa, for a busy server (docs/production.md). Mesoguide's own
-- store makes the table with 64-bit keys by itself. This is for a database that is there already.
-- Run it once, with Mesoguide stopped: psql "$MESOGUIDE_DATABASE" -f deploy/postgres.sql
begin;
alter table events alter column id type bigint;
alter sequence if exists events_id_seq as bigint;
create index if not exists events_timestamp on events (timestamp);
commit;
