"""Messages of the messaging platforms, kept from the moment they are acknowledged until they are answered.

A platform that was told "received" does not deliver again. So a message is written down first; a
process that dies with it leaves it to the next one. Afterwards only a hash of its name is kept for two
days, by which a second delivery is known.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from rasa.core.tracker_store import SQLTrackerStore
from sqlalchemy.exc import IntegrityError

from mesoguide.messaging.messages import Incoming
from mesoguide.rasa_host.conversations import ConversationStore

logger = logging.getLogger("mesoguide.messaging")

LEASE_SECONDS = 15.0
"""For which a message belongs to the process that took it; it says again and again that it lives."""
WAIT_MILLISECONDS = 1000
"""For a database that another process locks; a platform waits three seconds for "received"."""
KEYS_SECONDS = 2 * 86400.0
"""For which a second delivery is known; platforms give up after a day and a half at most."""


class Kept(SQLTrackerStore.Base):  # type: ignore[misc]
    """A row of the inbox; ``incoming`` is empty as soon as it is answered."""

    __tablename__ = "inbox"

    id = sa.Column(sa.Integer, primary_key=True)
    key = sa.Column(sa.String(64), nullable=False, unique=True)
    door = sa.Column(sa.String(16), nullable=False)
    incoming = sa.Column(sa.Text, nullable=True)
    parts = sa.Column(sa.Integer, nullable=False, default=0)
    tries = sa.Column(sa.Integer, nullable=False, default=0)
    received = sa.Column(sa.Float, nullable=False, index=True)
    taken_until = sa.Column(sa.Float, nullable=False, default=0.0)


@dataclass(slots=True)
class Waiting:
    """A message to answer: ``tries`` of earlier processes, ``parts`` of its reply that were sent.

    ``row`` is None where the store was away; then it is only in this process's memory.
    """

    row: int | None
    door: str
    incoming: Incoming
    parts: int = 0
    tries: int = 0

    @property
    def name(self) -> str:
        """Under which the turn is found again in the conversation."""
        return hashed(self.door, self.incoming.key)


def hashed(door: str, key: str) -> str:
    """Return the name under which a platform's message is known here."""
    return hashlib.sha256(f"{door}\0{key}".encode("utf-8", "replace")).hexdigest()


class Inbox:
    """The messages in ``store``'s database; every call may block, and raises what the database raises.

    Parameters
    ----------
    store
        Made for the inbox alone: it waits for a locked database for a shorter time.
    """

    def __init__(self, store: ConversationStore) -> None:
        self._store = store
        if store.engine.dialect.name == "sqlite":
            sa.event.listen(store.engine, "connect", _impatient)
            store.engine.dispose()  # the connections that were made before it wait for longer
        store.make_tables()

    def take_in(self, door: str, incoming: Incoming, *, lease: float = LEASE_SECONDS) -> Waiting | None:
        """Write ``incoming`` down for this process; None where it was delivered before."""
        now = time.time()
        row = Kept(
            key=hashed(door, incoming.key), door=door, incoming=incoming.to_json(), parts=0, tries=0,
            received=now, taken_until=now + lease,
        )  # fmt: skip
        with self._store.session_scope() as session:
            session.add(row)
            try:
                session.commit()
            except IntegrityError:
                return None
            return Waiting(row.id, door, incoming)

    def due(self) -> list[Waiting]:
        """Take over what no living process has, the oldest first."""
        now = time.time()
        with self._store.session_scope() as session:
            left = session.query(Kept).filter(Kept.incoming.isnot(None), Kept.taken_until < now)
            found = [
                (row.id, row.door, row.incoming, row.parts, row.tries, row.taken_until)
                for row in left.order_by(Kept.id).limit(500)
            ]
        waiting = []
        for number, door, text, parts, tries, until in found:
            if self._taken(number, until, now + LEASE_SECONDS):
                incoming = self._read(number, text)
                waiting += [Waiting(number, door, incoming, parts, tries + 1)] if incoming else []
        return waiting

    def _read(self, number: int, text: str) -> Incoming | None:
        """The message in a row; one that can't be read (another version's) must not hold up the others."""
        try:
            return Incoming.from_json(text)
        except ValueError:
            logger.error("a row of the inbox can't be read")
            self.done(number)
            return None

    def _taken(self, number: int, until: float, now_until: float) -> bool:
        """Take a row, unless another process was quicker."""
        free = (Kept.id == number, Kept.taken_until == until)
        return bool(self._change(free, {"taken_until": now_until, "tries": Kept.tries + 1}))

    def hold(self, rows: Sequence[int]) -> None:
        """Say that this process lives and still has ``rows``."""
        until = time.time() + LEASE_SECONDS
        for start in range(0, len(rows), 500):
            self._change((Kept.id.in_(rows[start : start + 500]),), {"taken_until": until})

    def sent(self, row: int, parts: int) -> None:
        """Note that so many parts of the reply were sent."""
        self._change((Kept.id == row,), {"parts": parts})

    def done(self, row: int) -> None:
        """Forget what the message said."""
        self._change((Kept.id == row,), {"incoming": None, "taken_until": 0.0})

    def forget(self, seconds: float) -> int:
        """Delete old names, and messages that nobody answered for ``seconds``; return the rows."""
        now = time.time()
        with self._store.session_scope() as session:
            old = sa.or_(
                sa.and_(Kept.incoming.is_(None), Kept.received < now - KEYS_SECONDS),
                sa.and_(Kept.incoming.isnot(None), Kept.received < now - seconds),
            )
            rows: int = session.query(Kept).filter(old).delete(synchronize_session=False)
            session.commit()
        return rows

    def release(self, rows: Sequence[int]) -> None:
        """Leave ``rows`` to whoever comes next."""
        for start in range(0, len(rows), 500):
            self._change((Kept.id.in_(rows[start : start + 500]),), {"taken_until": 0.0})

    def _change(self, which: Sequence[Any], values: dict[str, Any]) -> int:
        with self._store.session_scope() as session:
            rows: int = session.query(Kept).filter(*which).update(values, synchronize_session=False)
            session.commit()
        return rows


def _impatient(connection: Any, _: Any) -> None:
    connection.execute(f"PRAGMA busy_timeout={WAIT_MILLISECONDS}")
