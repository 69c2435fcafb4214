"""What is kept, for how long, and how it goes: on a real SQLite file and a real PostgreSQL server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mesoguide.settings import ROOT
from tests.production.conftest import Postgres

pytestmark = pytest.mark.slow
HOUR = 3600.0


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An empty store of each kind."""
    from mesoguide.rasa_host.conversations import ConversationStore

    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        monkeypatch.setenv("MESOGUIDE_DATABASE", server.address)
    made = ConversationStore(domain(), db=str(tmp_path / "conversations.db"))
    empty(made)
    yield made
    made.engine.dispose()


def domain() -> Any:
    from rasa.shared.core.domain import Domain

    return Domain.load(str(ROOT / "domain.yml"))


def empty(store: Any) -> None:
    with store.session_scope() as session:
        for table in (store.SQLEvent, store.Thumb):
            session.query(table).delete()
        session.commit()


def said(store: Any, sender: str, text: str, at: float, *, name: str = "", reply: str = "An answer.") -> None:
    """Keep one turn as Rasa does."""
    from rasa.shared.core.events import ActionExecuted, BotUttered, UserUttered
    from rasa.shared.core.trackers import DialogueStateTracker

    async def kept() -> None:
        tracker = await store.retrieve(sender) or DialogueStateTracker(sender, store.domain.slots)
        tracker.kept_events = getattr(tracker, "kept_events", 0)
        data = {
            "intent": {"name": "pain", "confidence": 0.9},
            "entities": [],
            "text": text,
            "questions": [text] * 9,
        }
        for event in (
            ActionExecuted("action_listen", timestamp=at),
            UserUttered(text, data["intent"], [], data, timestamp=at, message_id=name or f"m{at}"),
            BotUttered(reply, metadata={"reply": {"text": reply}}, timestamp=at),
        ):
            tracker.update(event)
        await store.save(tracker)

    asyncio.run(kept())


def events(store: Any, sender: str | None = None) -> int:
    with store.session_scope() as session:
        found = session.query(store.SQLEvent)
        return int((found.filter_by(sender_id=sender) if sender else found).count())


def test_old_conversations_are_forgotten(store: Any) -> None:
    """A conversation in which nothing was said for so long is gone whole, a younger one stays whole.

    There are more of them than one statement takes names, and thumbs go with their time.
    """
    now = time.time()
    rows = [
        {"sender_id": f"old-{n}", "type_name": "user", "timestamp": now - 25 * HOUR, "data": "{}"}
        for n in range(1200)
    ]
    with store.session_scope() as session:
        session.execute(store.SQLEvent.__table__.insert(), rows)
        session.commit()
    said(store, "long", "from two days ago", now - 48 * HOUR)
    said(store, "long", "from now", now)
    store.rate("old-1", "m1", -1, "wrong")
    with store.session_scope() as session:
        session.query(store.Thumb).update({"timestamp": now - 25 * HOUR})
        session.commit()
    store.rate("long", "m2", 1, "")
    store.forget(24 * HOUR)

    assert events(store) == events(store, "long") == 6
    with store.session_scope() as session:
        assert [row.sender_id for row in session.query(store.Thumb)] == ["long"]


def test_nothing_of_a_forgotten_conversation_stays_in_a_file(store: Any) -> None:
    """Deleted and forgotten words are in no file of the SQLite database, log and all."""
    if store.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL's own files are its administrator's: docs/production.md")
    said(store, "first", "zzqdeleted", time.time())
    said(store, "second", "zzqforgotten", time.time() - 30 * HOUR)
    store.erase("first")
    store.forget(24 * HOUR)
    folder = Path(store.engine.url.database).parent

    assert not [file for file in folder.glob("conversations.db*") if b"zzq" in file.read_bytes()]


def test_a_database_that_others_can_read_is_closed(tmp_path: Path) -> None:
    """A database that came back from a copy, open to all, is its owner's alone again, log and all."""
    from mesoguide.rasa_host.conversations import ConversationStore

    file = tmp_path / "conversations.db"
    store = ConversationStore(domain(), db=str(file))
    said(store, "somebody", "does it hurt?", time.time())
    for part in tmp_path.glob("conversations.db*"):
        part.chmod(0o644)
    again = ConversationStore(domain(), db=str(file))
    modes = {part.name: part.stat().st_mode & 0o777 for part in tmp_path.glob("conversations.db*")}

    assert events(again, "somebody") == 3
    assert len(modes) == 3
    assert set(modes.values()) == {0o600}


def test_a_broken_row_ends_nothing(store: Any) -> None:
    """A row that is no event is left out; the rest of its conversation is read, shown and exported."""
    said(store, "somebody", "does it hurt?", time.time(), name="before")
    with store.session_scope() as session:
        for data in ("", "{", "[]", "null", '{"event": 5}', "\\ud83d", "[" * 5000):
            session.add(
                store.SQLEvent(sender_id="somebody", type_name="user", timestamp=time.time(), data=data)
            )
        session.commit()
    said(store, "somebody", "and after that?", time.time(), name="after")

    assert [text for _, text, _ in store.turns("somebody", 10)] == ["does it hurt?", "and after that?"]
    assert len(store.everything("somebody")["events"]) == 6
    assert asyncio.run(store.retrieve("somebody")).latest_message.text == "and after that?"


def test_a_hostile_name_ends_nothing(store: Any) -> None:
    """A name that the database can't take is an error of its own turn: no process ends, others are kept."""
    from sqlalchemy.exc import DBAPIError

    for name in ("\ud83d", "a\u0000b", "x" * 300):
        with contextlib.suppress(ValueError, DBAPIError):  # Rasa's own store ends the process here
            said(store, name, "hello", time.time())
    with pytest.raises(ValueError, match="of any kind"), store.session_scope():
        raise ValueError("of any kind")
    said(store, "somebody", "does it hurt?", time.time())

    assert len(store.turns("somebody", 10)) == 1


def test_any_text_can_be_kept(store: Any) -> None:
    """Zero bytes, half characters and long texts end no process and no later turn."""
    for text in ("a\u0000b", "\ud83d half", "😀" * 100, "x" * 5000):
        said(store, "somebody", text, time.time())

    assert len(store.turns("somebody", 10)) == 4


def test_what_was_understood_is_not_kept(store: Any) -> None:
    """Of a message its words stand in the database once, with the intent and nothing else of the reading."""
    said(store, "somebody", "zzqword", time.time())
    (kept,) = [event for event in store.everything("somebody")["events"] if event["event"] == "user"]

    assert json.dumps(kept).count("zzqword") == 1
    assert kept["parse_data"] == {"intent": {"name": "pain", "confidence": 0.9}, "entities": []}


def test_a_long_conversation_costs_no_more(store: Any) -> None:
    """For a turn only the last events are read, and only the last turns are shown again."""
    from mesoguide.rasa_host.conversations import MOST_EVENTS, MOST_TURNS

    now = time.time()
    data = [
        {"event": "action", "name": "action_listen", "timestamp": now},
        {"event": "user", "text": "hello", "message_id": "m", "timestamp": now, "parse_data": {}},
        {"event": "bot", "text": "Hi.", "metadata": {"reply": {"text": "Hi."}}, "timestamp": now},
    ]
    rows = [
        {"sender_id": "long", "type_name": event["event"], "timestamp": now, "data": json.dumps(event)}
        for _ in range(MOST_TURNS + 100)
        for event in data
    ]
    with store.session_scope() as session:
        session.execute(store.SQLEvent.__table__.insert(), rows)
        session.commit()

    assert len(asyncio.run(store.retrieve("long")).events) <= MOST_EVENTS
    assert len(store.turns("long", MOST_TURNS)) == MOST_TURNS
    assert len(store.everything("long")["events"]) == len(rows)


def test_keys_have_64_bits(store: Any) -> None:
    """A table made by the product takes a key beyond Rasa's 31 bits, and the next turn after it."""
    with store.session_scope() as session:
        session.add(store.SQLEvent(id=2**31 + 7, sender_id="far", type_name="user", timestamp=1.0, data="{}"))
        session.commit()
    said(store, "far", "hello", time.time())

    assert events(store, "far") == 4


def test_a_table_a_day(postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After deploy/partitions.sql a day that is over is dropped whole; younger words stay, none is lost on the way.

    Turns are kept as before, also of a day whose table was not made in time.
    """
    from mesoguide.rasa_host.conversations import ConversationStore

    monkeypatch.setenv("MESOGUIDE_DATABASE", postgres.address)
    store = ConversationStore(domain())
    empty(store)
    now = time.time()
    said(store, "before", "kept from before", now)
    with store.engine.begin() as line:
        for statement in (ROOT / "deploy/partitions.sql").read_text("utf-8").split(";\n\n"):
            line.exec_driver_sql(statement.replace("commit;", "").replace("begin;", "").replace("%", "%%"))
    try:
        said(store, "new", "said today", now)
        said(store, "late", "said in a week", now + 7 * 24 * HOUR)
        with store.engine.begin() as line:
            line.exec_driver_sql("select mesoguide_days(8, 2)")
            week = time.strftime("events_%Y%m%d", time.gmtime(now + 7 * 24 * HOUR))
            moved = line.exec_driver_sql(f"select count(*) from {week}").scalar()
            line.exec_driver_sql("create table events_20200101 (like events including defaults)")
            line.exec_driver_sql(
                "alter table events attach partition events_20200101 for values from (1577836800) to (1577923200)"
            )
            line.exec_driver_sql(
                "insert into events (sender_id, type_name, timestamp, data) values ('x', 'user', 1577836801, '{}')"
            )
        store.forget(24 * HOUR)
        said(store, "before", "and again", now)

        assert moved == 3
        assert postgres.rows("select to_regclass('events_20200101')::text") == [(None,)]
        assert [text for _, text, _ in store.turns("before", 9)] == ["kept from before", "and again"]
        assert [text for _, text, _ in store.turns("new", 9)] == ["said today"]
        assert events(store, "late") == 3
    finally:
        with store.engine.begin() as line:
            line.exec_driver_sql("drop table events; drop function mesoguide_days")
        store.engine.dispose()
        ConversationStore(domain()).engine.dispose()


def test_export_and_delete_by_command(tmp_path: Path) -> None:
    """The clinic can give a person all that is kept of them, and delete it; nobody else's is touched."""
    from mesoguide.rasa_host.conversations import ConversationStore
    from mesoguide.rasa_host.stored import name_of
    from mesoguide.settings import load_settings

    environment = {**os.environ, "MESOGUIDE_DATA_FOLDER": str(tmp_path), "MESOGUIDE_DATABASE": ""}
    settings = load_settings(environment=environment)
    store = ConversationStore(domain(), db=str(tmp_path / "conversations.db"))
    for person in ("41", "42"):
        said(store, name_of("telegram", person, settings) or "", f"zzq{person} does it hurt?", time.time())

    def command(verb: str, *arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "mesoguide", verb, *arguments], cwd=ROOT, env=environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    code, exported = command("export", "telegram", "42")
    found = json.loads(exported)

    assert code == 0
    assert [event["text"] for event in found["events"] if event["event"] == "user"] == ["zzq42 does it hurt?"]
    assert "zzq41" not in exported
    assert command("delete", "telegram", "42") == (0, "3 rows deleted\n")
    assert json.loads(command("export", "telegram", "42")[1])["events"] == []
    assert events(store) == 3
    assert command("export", "fax", "42")[0] == 1
    assert "not issued by this server" in command("delete", "website", "made-up")[1]
