"""Where conversations are kept: Rasa's SQL tracker store, made safe, private and deletable.

Rasa's own store ends the process on some bytes a visitor can send, keeps everything for ever
and can't delete. The default database is one SQLite file; nothing else needs to be installed.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from rasa.core.tracker_store import InMemoryTrackerStore, SQLTrackerStore
from rasa.shared.core.events import BotUttered, Event, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy.orm import Session

from mesoguide.settings import ROOT, load_settings

WAIT_MILLISECONDS = 5000
"""For another process that writes to the same SQLite file."""


class ConversationStore(SQLTrackerStore):
    """Keeps conversations and thumbs; ``type`` of the tracker store in endpoints.yml.

    Parameters
    ----------
    db
        Of the SQLite dialect: a file, made where it is not there; default: conversations.db in the
        data folder (settings.yml).
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

    def __init__(self, domain: Any = None, host: str | None = None, **settings: Any) -> None:
        if settings.get("dialect", "sqlite") == "sqlite":
            file = ROOT / settings.get("db", Path(load_settings().data_folder) / "conversations.db")
            file.parent.mkdir(parents=True, exist_ok=True)
            settings["db"] = str(file)
            _only_for_owner(file)
        super().__init__(domain, host=host, **settings)
        if self.engine.dialect.name == "sqlite":
            sa.event.listen(self.engine, "connect", _careful)

    @contextlib.contextmanager
    def session_scope(self) -> Iterator[Session]:
        """A session that ends with the block; an error is raised and ends nothing else."""
        session = self.sessionmaker()
        try:
            yield session
        finally:
            session.close()

    def erase(self, sender: str) -> int:
        """Delete all rows of ``sender``; return how many there were."""
        with self.session_scope() as session:
            rows: int = sum(
                session.query(table).filter(table.sender_id == sender).delete(synchronize_session=False)
                for table in (self.SQLEvent, self.Thumb)
            )
            session.commit()
        return rows

    def forget(self, seconds: float) -> int:
        """Delete all conversations in which nothing was said for ``seconds``; return the rows."""
        before = time.time() - seconds
        events, thumbs = self.SQLEvent, self.Thumb
        with self.session_scope() as session:
            last = sa.func.max(events.timestamp)
            old = session.query(events.sender_id).group_by(events.sender_id).having(last < before)
            names = [name for (name,) in old]
            rows: int = 0
            for start in range(0, len(names), 500):  # SQLite takes no more than 999 values at once
                part = names[start : start + 500]
                rows += (
                    session.query(events).filter(events.sender_id.in_(part)).delete(synchronize_session=False)
                )
            rows += session.query(thumbs).filter(thumbs.timestamp < before).delete(synchronize_session=False)
            session.commit()
        return rows

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
    """Make ``file`` where it is not there yet, readable for nobody else: it holds users' words."""
    with contextlib.suppress(FileExistsError):
        file.touch(mode=0o600, exist_ok=False)


def _careful(connection: Any, _: Any) -> None:
    """Set up a SQLite connection: readers and a writer together, waiting, and no deleted words left."""
    cursor = connection.cursor()
    for setting in ("journal_mode=WAL", f"busy_timeout={WAIT_MILLISECONDS}", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {setting}")
    cursor.close()


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


Turn = tuple[str, str, dict[str, Any] | None]
"""Name of the user's message, what it says, and the reply object (None while there is none)."""


def said(tracker: DialogueStateTracker | None) -> list[Turn]:
    """Return the turns of a conversation, the first one first."""
    turns: list[Turn] = []
    events: list[Event] = list(tracker.events) if tracker else []
    for event in events:
        if isinstance(event, UserUttered) and event.message_id:
            turns.append((event.message_id, event.text or "", None))
        elif isinstance(event, BotUttered) and turns and isinstance(event.metadata.get("reply"), dict):
            turns[-1] = (*turns[-1][:2], event.metadata["reply"])
    return turns
