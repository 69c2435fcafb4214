"""Where conversations are kept: Rasa's SQL tracker store, made safe, private, deletable and quick.

Rasa's own store ends the process on some bytes a visitor can send, keeps everything for ever, can't
delete, takes a failed read for a new conversation, holds up every user while it waits, and reads a
conversation from its start at each message. The default database is one SQLite file; nothing else needs
to be installed. A PostgreSQL database is named by one setting (docs/production.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from rasa.core.tracker_store import InMemoryTrackerStore, SQLTrackerStore, TrackerStore
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import QueuePool

from mesoguide.private_files import close
from mesoguide.rasa_host import kept_events, metrics
from mesoguide.rasa_host.kept_events import Turn, in_turns
from mesoguide.settings import ROOT, load_settings
from mesoguide.types import whole_reply

logger = logging.getLogger("mesoguide.conversations")
Result = TypeVar("Result")

WAIT_MILLISECONDS = 8000
"""For another process that writes to the same SQLite file; only the turn that writes waits."""
RETRY_SECONDS = 8.0
"""For a database server that is away; shorter than a turn may take."""
DISK_FULL = ("disk is full", "disk I/O error", "No space left on device")
"""What SQLite and PostgreSQL say where nothing more can be written. Waiting mends nothing there, and a patient would wait too."""
CONNECT_SECONDS = 3
MOST_EVENTS = 60
"""Events read back for a turn: those of the last few. The rules look at the last one, and what the
conversation remembers is set anew at each turn."""
MOST_TURNS = 200
"""Of a conversation that are shown again, to the visitor who had them."""
DAYS_AHEAD = 3
"""Tables of days that are made before they are needed."""
CONNECTIONS = 4
TABLES_KEY = 0x6D65736F
"""Of PostgreSQL's lock under which tables are made; any number that nobody else takes ("meso")."""


sa.Index("events_timestamp", SQLTrackerStore.SQLEvent.timestamp)  # what is to be forgotten is found by time

Export = dict[str, Any]
"""All that is kept of a conversation: its name, ``events`` (the first one first), ``thumbs``."""


class ConversationStore(SQLTrackerStore):
    """Keeps conversations and thumbs; ``type`` of the tracker store in endpoints.yml.

    Parameters
    ----------
    db
        A SQLite file, made where it is not there; default: conversations.db in the data folder.
        The setting ``database`` (settings.yml), where it is filled, names a database server instead.
    """

    class Thumb(SQLTrackerStore.Base):  # type: ignore[misc]
        """A user's opinion on one reply: no words."""

        __tablename__ = "thumbs"

        id = sa.Column(sa.Integer, primary_key=True)
        sender_id = sa.Column(sa.String(255), nullable=False, index=True)
        message_id = sa.Column(sa.String(128), nullable=False)
        value = sa.Column(sa.Integer, nullable=False)
        reason = sa.Column(sa.String(16), nullable=False)
        timestamp = sa.Column(sa.Float, nullable=False)

    def __init__(
        self, domain: Any = None, host: str | None = None, db: str = "", event_broker: Any = None, **_: Any
    ) -> None:
        TrackerStore.__init__(self, domain, event_broker)
        clinic = load_settings()
        if clinic.database:
            self.engine = sa.create_engine(
                clinic.database, poolclass=QueuePool, pool_size=CONNECTIONS, max_overflow=CONNECTIONS,
                connect_args={"connect_timeout": CONNECT_SECONDS, "options": "-c statement_timeout=8000"},
            )  # fmt: skip
        else:
            file = ROOT / (db or Path(clinic.data_folder) / "conversations.db")
            file.parent.mkdir(parents=True, exist_ok=True)
            _only_for_owner(file)
            self.engine = sa.create_engine(
                f"sqlite:///{file}", poolclass=QueuePool, pool_size=CONNECTIONS, max_overflow=CONNECTIONS,
                connect_args={"check_same_thread": False},
            )  # fmt: skip
            sa.event.listen(self.engine, "connect", _careful)
        self.sessionmaker = sessionmaker(bind=self.engine)
        # Rasa's own key has 31 bits: a busy server runs out of it in days.
        self.SQLEvent.__table__.c.id.type = sa.BigInteger().with_variant(sa.Integer, "sqlite")
        self._patiently(self.make_tables)

    def make_tables(self) -> None:
        """Make the tables that are not there; processes that start at once wait for each other."""
        with self.engine.begin() as line:
            if line.dialect.name == "postgresql":
                line.execute(sa.select(sa.func.pg_advisory_xact_lock(TABLES_KEY)))
            self.Base.metadata.create_all(line)

    # -- a conversation, as Rasa reads and writes it

    async def _retrieve(
        self,
        sender_id: str,
        fetch_events_from_all_sessions: bool,
    ) -> DialogueStateTracker | None:
        with metrics.stage("read"):
            return await asyncio.to_thread(
                self._patiently, lambda: self._loaded(sender_id, whole=fetch_events_from_all_sessions)
            )

    def _loaded(self, sender: str, *, whole: bool) -> DialogueStateTracker | None:
        events = self.SQLEvent
        with self.session_scope() as session:
            rows = session.query(events.id, events.data).filter(events.sender_id == sender)
            if whole:
                found = kept_events.readable([data for _, data in rows.order_by(events.id)])
            else:
                last = rows.order_by(events.id.desc()).limit(MOST_EVENTS).all()
                found = kept_events.last_turns(
                    kept_events.readable([data for _, data in reversed(last)]), cut=len(last) == MOST_EVENTS
                )
        if not found or self.domain is None:
            return None
        tracker = kept_events.tracker(sender, found, self.domain.slots)
        tracker.kept_events = len(tracker.events)
        return tracker

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Write what is new in ``tracker`` (Rasa's hook)."""
        await self.stream_events(tracker)
        kept: int = getattr(tracker, "kept_events", 0)
        new = [kept_events.as_kept(event.as_dict()) for event in itertools.islice(tracker.events, kept, None)]
        if new:
            tries = itertools.count()
            with metrics.stage("write"):
                await asyncio.to_thread(
                    self._patiently, lambda: self._write(tracker.sender_id, new, again=next(tries) > 0)
                )
        tracker.kept_events = kept + len(new)

    def _write(self, sender: str, new: list[dict[str, Any]], *, again: bool) -> None:
        events = self.SQLEvent
        rows = [
            {
                "sender_id": sender,
                "type_name": data["event"],
                "timestamp": data.get("timestamp"),
                "intent_name": ((data.get("parse_data") or {}).get("intent") or {}).get("name"),
                # A user's event has no action: the column holds the message's id, by which a retry is known.
                "action_name": data.get("message_id") if data["event"] == "user" else data.get("name"),
                "data": json.dumps(data),
            }
            for data in new
        ]
        first = rows[0]
        with self.session_scope() as session:
            same = (events.sender_id == sender, events.timestamp == first["timestamp"])
            # Where the line broke just after the last try was kept, it is not kept a second time.
            kept = (
                again
                and session.query(events.id).filter(*same, events.type_name == first["type_name"]).first()
            )
            if not kept:
                session.execute(events.__table__.insert(), rows)
                session.commit()

    def _patiently(self, work: Callable[[], Result]) -> Result:
        """Do ``work``; while the database is away, again for :data:`RETRY_SECONDS`. May block."""
        end, pause = time.monotonic() + RETRY_SECONDS, 0.05
        while True:
            try:
                return work()
            except DBAPIError as cause:
                metrics.STORE_ERRORS.inc()
                if time.monotonic() + pause > end or not _passes(cause):
                    raise
                logger.warning("the database is away: %s", type(cause).__name__)
            time.sleep(pause)
            pause = min(2 * pause, 1.0)

    @contextlib.contextmanager
    def session_scope(self) -> Iterator[Session]:
        """A session that ends with the block; an error is raised and ends nothing else."""
        session = self.sessionmaker()
        try:
            yield session
        finally:
            session.close()

    # -- what a clinic and its users ask of it

    def reply_to(self, sender: str, message_id: str) -> dict[str, Any] | None:
        """Return the reply that the message was answered with, None where it was not; may block."""
        return self._patiently(lambda: self._reply_to(sender, message_id))

    def _reply_to(self, sender: str, message_id: str) -> dict[str, Any] | None:
        events = self.SQLEvent
        with self.session_scope() as session:
            of_sender = session.query(events.id, events.type_name, events.data).filter(
                events.sender_id == sender
            )
            said = of_sender.filter(events.type_name == "user", events.action_name == message_id)
            asked = said.order_by(events.id.desc()).first()
            if asked is None:
                return None
            later = of_sender.filter(events.id > asked.id, events.type_name.in_(("user", "bot")))
            answered = later.order_by(events.id).first()
        if answered is None or answered.type_name != "bot":
            return None
        said = kept_events.read(answered.data) or {}
        return whole_reply((said.get("metadata") or {}).get("reply"))

    def turns(self, sender: str, most: int) -> list[Turn]:
        """Return the last ``most`` turns of ``sender``, the first one first; may block."""
        return self._patiently(lambda: self._turns(sender, most))

    def _turns(self, sender: str, most: int) -> list[Turn]:
        events = self.SQLEvent
        with self.session_scope() as session:
            spoken = session.query(events.data).filter(
                events.sender_id == sender, events.type_name.in_(("user", "bot"))
            )
            last = spoken.order_by(events.id.desc()).limit(2 * most).all()
        return in_turns(kept_events.whole(data for (data,) in reversed(last)))

    def alive(self) -> bool:
        """Return whether the database answers; may block for the time of a connection."""
        try:
            with self.session_scope() as session:
                session.execute(sa.text("select 1"))
        except sa.exc.SQLAlchemyError:
            return False
        return True

    def everything(self, sender: str) -> Export:
        """Return all rows of ``sender``, for the person whose conversation it is; may block."""
        return self._patiently(lambda: self._everything(sender))

    def _everything(self, sender: str) -> Export:
        events, thumbs = self.SQLEvent, self.Thumb
        with self.session_scope() as session:
            kept = session.query(events.data).filter(events.sender_id == sender).order_by(events.id)
            rated = session.query(thumbs).filter(thumbs.sender_id == sender).order_by(thumbs.id)
            columns = ("message_id", "value", "reason", "timestamp")
            return {
                "conversation": sender,
                "events": kept_events.whole(data for (data,) in kept),
                "thumbs": [{name: getattr(row, name) for name in columns} for row in rated],
            }

    def erase(self, sender: str) -> int:
        """Delete all rows of ``sender``; return how many there were; may block."""
        return self._patiently(lambda: self._erase(sender))

    def _erase(self, sender: str) -> int:
        with self.session_scope() as session:
            rows: int = sum(
                session.query(table).filter(table.sender_id == sender).delete(synchronize_session=False)
                for table in (self.SQLEvent, self.Thumb)
            )
            session.commit()
        self._empty_log()
        return rows

    def forget(self, seconds: float) -> int:
        """Delete all conversations in which nothing was said for ``seconds``; return the rows."""
        before = time.time() - seconds
        events, thumbs = self.SQLEvent, self.Thumb
        with self.session_scope() as session:
            newer = sa.orm.aliased(events)
            spoken = session.query(newer.id).filter(
                newer.sender_id == events.sender_id, newer.timestamp >= before
            )
            old = session.query(events.sender_id).filter(events.timestamp < before, ~spoken.exists())
            names = [name for (name,) in old.distinct()]
            rows: int = 0
            for start in range(0, len(names), 500):  # SQLite takes no more than 999 values at once
                part = names[start : start + 500]
                rows += (
                    session.query(events).filter(events.sender_id.in_(part)).delete(synchronize_session=False)
                )
            rows += session.query(thumbs).filter(thumbs.timestamp < before).delete(synchronize_session=False)
            session.commit()
        if rows:
            self._empty_log()
        self._turn_days(seconds)
        return rows

    def _turn_days(self, seconds: float) -> None:
        """Where events have a table a day (deploy/partitions.sql), make those to come and drop those that went."""
        if self.engine.dialect.name != "postgresql":
            return
        days = math.ceil(seconds / 86_400)
        with self.session_scope() as session:
            made = session.execute(
                sa.text("select to_regprocedure('mesoguide_days(integer, integer)')")
            ).scalar()
            if made is not None:
                session.execute(
                    sa.text("select mesoguide_days(:ahead, :kept)"), {"ahead": DAYS_AHEAD, "kept": days}
                )
                session.commit()

    def _empty_log(self) -> None:
        """Move SQLite's write-ahead log into the file and empty it: deleted words still stand in it."""
        if self.engine.dialect.name == "sqlite":
            with self.session_scope() as session:
                session.execute(sa.text("pragma wal_checkpoint(truncate)"))

    def rate(self, sender: str, message_id: str, value: int, reason: str) -> None:
        """Keep a thumb on the reply to ``message_id``; a second one takes the first one's place."""
        thumbs = self.Thumb
        with self.session_scope() as session:
            session.query(thumbs).filter(thumbs.sender_id == sender, thumbs.message_id == message_id).delete(
                synchronize_session=False
            )
            session.add(
                thumbs(
                    sender_id=sender, message_id=message_id, value=value, reason=reason,
                    timestamp=time.time(),
                )
            )  # fmt: skip
            session.commit()


def _only_for_owner(file: Path) -> None:
    """Make ``file`` where it is not there yet, readable for nobody else: it and its log hold users' words."""
    with contextlib.suppress(FileExistsError):
        file.touch(mode=0o600, exist_ok=False)
    for part in (file, *file.parent.glob(f"{file.name}-*")):
        close(part)


def _careful(connection: Any, _: Any) -> None:
    """Set up a SQLite connection: readers and a writer together, waiting, and no deleted words left."""
    cursor = connection.cursor()
    for setting in ("journal_mode=WAL", f"busy_timeout={WAIT_MILLISECONDS}", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {setting}")
    cursor.close()


def _passes(cause: DBAPIError) -> bool:
    """Whether an error is a server that is away or starts, and not a wrong statement or a full disk."""
    if any(words in str(cause.orig) for words in DISK_FULL):
        return False
    return bool(cause.connection_invalidated) or isinstance(
        cause, (sa.exc.OperationalError, sa.exc.InterfaceError)
    )


def erase(store: Any, sender: str) -> int:
    """Delete all that ``store`` keeps of ``sender``, whatever it is wrapped in; return the rows.

    Raises
    ------
    TypeError
        The store can't delete.
    """
    rows = 0
    for kept in _unwrapped(store):
        if isinstance(kept, ConversationStore):
            rows += kept.erase(sender)
        elif isinstance(kept, InMemoryTrackerStore):
            rows += kept.store.pop(sender, None) is not None
        else:
            raise TypeError(f"{type(kept).__name__} can't delete a conversation")
    return rows


def conversation_store(store: Any) -> ConversationStore | None:
    """Return the store of ours inside ``store``, if it is one."""
    return next((kept for kept in _unwrapped(store) if isinstance(kept, ConversationStore)), None)


def _unwrapped(store: Any) -> list[Any]:
    """The stores behind Rasa's wrapper: the one asked for, and its stand-in when that failed."""
    inner = getattr(store, "_tracker_store", None)
    if inner is None:
        return [store]
    spare = getattr(store, "_fallback_tracker_store", None)
    return [*_unwrapped(inner), *([spare] if spare is not None else ())]


async def reply_to(store: Any, sender: str, message_id: str) -> dict[str, Any] | None:
    """Return the reply that a message was answered with, so that a retry makes no second turn."""
    ours = conversation_store(store)
    if ours is not None:
        return await asyncio.to_thread(ours.reply_to, sender, message_id)
    kept = await turns_of(store, sender)
    return next((reply for name, _, reply in reversed(kept) if name == message_id and reply), None)


async def everything_of(store: Any, sender: str) -> Export:
    """Return all that is kept of a conversation."""
    ours = conversation_store(store)
    if ours is not None:
        return await asyncio.to_thread(ours.everything, sender)
    tracker = await store.retrieve_full_tracker(sender)
    events = [event.as_dict() for event in tracker.events] if tracker else []
    return {"conversation": sender, "events": events, "thumbs": []}


async def turns_of(store: Any, sender: str) -> list[Turn]:
    """Return the last turns of a conversation, the first one first."""
    ours = conversation_store(store)
    if ours is not None:
        return await asyncio.to_thread(ours.turns, sender, MOST_TURNS)
    tracker = await store.retrieve_full_tracker(sender)
    return in_turns(event.as_dict() for event in tracker.events)[-MOST_TURNS:] if tracker else []
