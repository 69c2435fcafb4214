"""Rows of the database that can't be read any more: they end no conversation and no process."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from mesoguide.messaging.messages import Incoming
from mesoguide.settings import Settings

BROKEN = ("", "{", "null", "5", "[]", "{}", '{"event": 5}', '{"event": "nonsense"}', "[" * 5000)
CHANGES: tuple[tuple[str, Any], ...] = (
    ("timestamp", "x"), ("metadata", [[]]), ("text", 5), ("parse_data", "x"), ("name", None), ("value", 5),
    ("value", {"topics": 5, "told": [[]], "reminders": "x"}), ("data", []), ("metadata", {"reply": {"text": 5}}),
)  # fmt: skip


@pytest.fixture(scope="module")
def kept(model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """The product with a store of its own, and that store."""
    from mesoguide.rasa_host.assistant import Assistant, loaded
    from mesoguide.rasa_host.conversations import ConversationStore

    store = ConversationStore(db=str(tmp_path_factory.mktemp("rows") / "conversations.db"))
    return Assistant(loaded(model, Settings(), tracker_store=store), Settings()), store


def test_a_corrupt_row_ends_no_conversation(kept: tuple[Any, Any]) -> None:
    """Whichever row of a conversation is broken, in whatever way, the next two messages get their replies."""
    assistant, store = kept

    def asked(text: str, conversation: str) -> str:
        return str(asyncio.run(assistant.reply(text, conversation))["kind"])

    asked("does it hurt?", "whole")
    with store.session_scope() as session:
        of_whole = session.query(store.SQLEvent).filter(store.SQLEvent.sender_id == "whole")
        rows = [(row.type_name, row.data) for row in of_whole.order_by(store.SQLEvent.id)]
    cases = [(place, text) for place in range(len(rows)) for text in BROKEN]
    cases += [
        (place, json.dumps({**json.loads(data), key: value}))
        for place, (_, data) in enumerate(rows)
        for key, value in CHANGES
        if key in json.loads(data)
    ]
    failed = []
    for number, (place, text) in enumerate(cases):
        name = f"broken-{number}"
        written = [
            {
                "sender_id": name,
                "type_name": kind,
                "timestamp": 1.0 + at,
                "data": text if at == place else data,
            }
            for at, (kind, data) in enumerate(rows)
        ]
        with store.session_scope() as session:
            session.execute(store.SQLEvent.__table__.insert(), written)
            session.commit()
        kinds = asked("how many sessions do i need?", name), asked("tell me more", name)
        store.turns(name, 10)
        if kinds[0] != "answer" or kinds[1] == "error":
            failed.append((rows[place][0], text[:40], kinds))

    assert failed == []
    assert len(cases) > 80


def test_a_corrupt_reply_is_given_anew(kept: tuple[Any, Any]) -> None:
    """A retry whose kept reply can't be read is answered by a new turn, not by an error."""
    assistant, store = kept
    asyncio.run(assistant.reply("does it hurt?", "retry", message_id="m1"))
    assert store.reply_to("retry", "m1") is not None
    for text in (*BROKEN, '{"event": "bot", "metadata": {"reply": {}}}'):
        with store.session_scope() as session:
            of_bot = (store.SQLEvent.sender_id == "retry", store.SQLEvent.type_name == "bot")
            session.query(store.SQLEvent).filter(*of_bot).update({"data": text}, synchronize_session=False)
            session.commit()
        assert store.reply_to("retry", "m1") is None


def test_a_corrupt_row_of_the_inbox_holds_up_no_other(kept: tuple[Any, Any]) -> None:
    """Messages that a dead process left are taken over although one before them can't be read."""
    from mesoguide.rasa_host.inbox import Inbox, Kept

    inbox = Inbox(kept[1])
    for number in range(4):
        message = Incoming(str(number), "1", {"chat_id": "1"}, "does it hurt?")
        assert inbox.take_in("telegram", message, lease=-1.0) is not None
    with kept[1].session_scope() as session:
        for row, text in zip(
            session.query(Kept).order_by(Kept.id).limit(3), ("{", "[]", '{"key": 1}'), strict=True
        ):
            row.incoming = text
        session.commit()

    assert [waiting.incoming.key for waiting in inbox.due()] == ["3"]
    assert inbox.due() == []
