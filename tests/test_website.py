"""The website's door without a server: sessions, limits, requests, the lines of a bubble, numbers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesoguide.blocks import blocks
from mesoguide.calls import OFFERED, calls
from mesoguide.failure import failure_reply
from mesoguide.reply import stop
from mesoguide.safety import NONE, TIERS
from mesoguide.settings import Settings
from mesoguide.types import Memory
from mesoguide.website.limits import MOST_CALLERS, Limit
from mesoguide.website.requests import LONGEST_TEXT, MOST_BYTES, Refused, read_message, read_thumb
from mesoguide.website.sessions import Sessions, load_secret
from tests.samples import DIFFERING, KNOWLEDGE, RAW, SETTINGS, TOPICS, ask

SESSIONS = Sessions(b"a secret of this test")


# -- sessions


def test_a_token_opens_one_conversation() -> None:
    """Each token has its own sender id, the same each time, and the id does not hold the token."""
    first, second = SESSIONS.issue(), SESSIONS.issue()

    assert SESSIONS.sender(first) == SESSIONS.sender(first) != SESSIONS.sender(second)
    assert first.split(".")[0] not in SESSIONS.sender(first)


@pytest.mark.parametrize(
    "change", [lambda t: t[1:], lambda t: "A" * 32 + t[32:], lambda t: t + "\n", str.upper]
)
def test_a_changed_token_opens_nothing(change) -> None:
    """A token that the server did not issue as it stands is refused."""
    assert SESSIONS.sender(change(SESSIONS.issue())) is None


@given(st.text())
def test_no_made_up_token_opens_anything(token: str) -> None:
    """Whatever a visitor makes up, it is no token."""
    assert SESSIONS.sender(token) is None
    assert SESSIONS.sender(None) is None


def test_a_token_of_another_server_opens_nothing() -> None:
    """Without the secret nobody can make a token."""
    assert SESSIONS.sender(Sessions(b"another secret").issue()) is None


def test_the_secret_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    """The first start makes a secret only its owner can read; the next start finds it."""
    file = tmp_path / "var" / "secret"
    made = load_secret(file, {})

    assert made == load_secret(file, {})
    assert file.stat().st_mode & 0o077 == 0
    assert load_secret(file, {"MESOGUIDE_WEBSITE_SECRET": "of several processes"}) == b"of several processes"


def test_a_secret_that_others_can_read_is_closed(tmp_path: Path) -> None:
    """A secret that came back from a copy, open to all, is as it was and its owner's alone again."""
    file = tmp_path / "secret"
    file.write_text("of sixteen letters", "utf-8")
    file.chmod(0o644)

    assert load_secret(file, {}) == b"of sixteen letters"
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("given", ["short", " "])
def test_a_secret_that_is_none_is_refused(tmp_path: Path, given: str) -> None:
    """A secret too short to be one is refused with a sentence that says what to do."""
    with pytest.raises(ValueError, match="at least 16"):
        load_secret(tmp_path / "secret", {"MESOGUIDE_WEBSITE_SECRET": given})
    (tmp_path / "secret").write_text("short")
    with pytest.raises(ValueError, match="Delete it"):
        load_secret(tmp_path / "secret", {})


# -- limits


def test_a_limit_lets_so_many_through_and_fills_up_again() -> None:
    """Three at once, the fourth waits, and after that wait it is let through."""
    now = [0.0]
    limit = Limit(3, 60, lambda: now[0])

    assert [limit.wait("a") for _ in range(4)] == [0, 0, 0, 20]
    assert limit.wait("b") == 0
    now[0] = 20.0
    assert [limit.wait("a"), limit.wait("a")] == [0, 20]


def test_long_messages_cost_more() -> None:
    """A call takes as many places as it is work, but never more than there are."""
    limit = Limit(10, 60, lambda: 0.0)

    assert [limit.wait("a", 4), limit.wait("a", 4), limit.wait("a", 4), limit.wait("a", 2)] == [0, 0, 12, 0]
    assert [limit.wait("b", 1000), limit.wait("b", 1)] == [0, 6]


def test_callers_are_forgotten_in_the_end() -> None:
    """However many callers there are, the memory for them is bounded."""
    limit = Limit(1, 60)
    for number in range(MOST_CALLERS + 10):
        limit.wait(str(number))

    assert len(limit._buckets) == MOST_CALLERS


# -- what comes in


def test_a_message_is_read() -> None:
    """An id and a text make a message; the same id with another text has another name."""
    sent = read_message(b'{"id": "abcdefgh", "text": "does it hurt?"}')
    other = read_message(b'{"id": "abcdefgh", "text": "cant breathe"}')

    assert (sent.id, sent.text) == ("abcdefgh", "does it hurt?")
    assert sent.name != other.name


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400), (b"null", 400), (b"[]", 400), (b"{", 400), (b"\xff\xfe", 400), (b"[" * 60_000, 400),
        (b'{"text": "a"}', 400), (b'{"id": 5, "text": "a"}', 400), (b'{"id": "abcdefgh"}', 400),
        (b'{"id": "abcdefgh", "text": 5}', 400), (b'{"id": "../../etc", "text": "a"}', 400),
        (b'{"id": "abcdefgh\\u0000", "text": "a"}', 400), (b'{"n": 1' + b"0" * 5000 + b"}", 400),
        (b" " * (MOST_BYTES + 1), 413),
        (json.dumps({"id": "abcdefgh", "text": "a" * (LONGEST_TEXT + 1)}).encode(), 413),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_anything_else_is_refused(body: bytes, status: int) -> None:
    """What is no message is refused with a status and a reason."""
    with pytest.raises(Refused) as refusal:
        read_message(body)

    assert refusal.value.status == status
    assert refusal.value.why


def test_a_refused_text_is_kept_for_its_red_flag() -> None:
    """A text in a request that is refused is still read for red flags."""
    with pytest.raises(Refused) as refusal:
        read_message(json.dumps({"id": 5, "text": "i cant breathe"}).encode())

    assert failure_reply(refusal.value.text, SETTINGS).tier == "emergency"


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(body: bytes) -> None:
    """Any bytes are a message or are refused; nothing else is raised."""
    for read in (read_message, read_thumb):
        try:
            read(body)
        except Refused as refusal:
            assert refusal.status in (400, 413)


@pytest.mark.parametrize("value", [0, 2, True, "1", None, 1.5])
def test_a_thumb_is_up_or_down(value: object) -> None:
    """A thumb has two values, a reason is one of four, and no words are taken."""
    assert read_thumb(b'{"id": "abcdefgh", "value": -1, "reason": "unclear"}').reason == "unclear"
    for body in ({"value": value}, {"value": 1, "reason": "my own words"}):
        with pytest.raises(Refused):
            read_thumb(json.dumps({"id": "abcdefgh", **body}).encode())


# -- a bubble taken apart


@pytest.mark.parametrize("name", TOPICS)
def test_the_lines_of_a_bubble_are_all_there(name: str) -> None:
    """Taken apart, an answer has the same words in the same order, and ends in its notice."""
    reply = ask(name)[0].to_dict()
    lines = blocks(reply, KNOWLEDGE)

    written = [f"• {line['text']}" if line["role"] == "detail" else line["text"] for line in lines]
    assert "\n".join(written) == reply["text"]
    assert lines[-1]["role"] == "notice"
    assert [line["role"] for line in lines].count("sources") == 1


@pytest.mark.parametrize("name", DIFFERING)
def test_where_documents_differ_there_are_two_sides(name: str) -> None:
    """A disagreement is two labelled sides of two documents, and the sentence that they differ."""
    lines = blocks(ask(name)[0].to_dict(), KNOWLEDGE)

    assert {line["document"] for line in lines if line["role"] == "side"} == set(KNOWLEDGE.documents)
    assert [line["role"] for line in lines].count("differ") == 1


@pytest.mark.parametrize("name", [name for name in TOPICS if name not in DIFFERING])
def test_where_they_do_not_differ_there_are_no_sides(name: str) -> None:
    """No disagreement is shown where there is none."""
    assert not {line["role"] for line in blocks(ask(name)[0].to_dict(), KNOWLEDGE)} & {"side", "differ"}


def test_a_side_without_another_is_only_said() -> None:
    """Where one document alone speaks (after "why?"), no disagreement is shown."""
    topic = KNOWLEDGE.topics[DIFFERING[0]]
    statement = KNOWLEDGE.statements[topic.sides[0]]
    text = f"{KNOWLEDGE.documents[statement.document].name} says {statement.says}."
    (line,) = blocks({"text": text, "topics": [topic.id], "sources": []}, KNOWLEDGE)

    assert line == {"role": "said", "text": text, "document": statement.document}


def test_two_topics_have_their_headings() -> None:
    """An answer to two questions keeps them apart."""
    lines = blocks(ask("pain", "cost")[0].to_dict(), KNOWLEDGE)

    assert [line["role"] for line in lines].count("heading") == 2


@pytest.mark.parametrize("tier", [tier for tier in TIERS if tier != NONE])
def test_a_fixed_text_is_one_block(tier: str) -> None:
    """A card is one text, with nothing said by a document."""
    reply, _ = stop(tier, "en", Memory(), RAW, SETTINGS)

    assert [line["role"] for line in blocks(reply.to_dict(), KNOWLEDGE)] == ["text"]


# -- numbers to call


def test_numbers_come_from_the_settings() -> None:
    """A card offers the numbers that the clinic set, ready to be dialled, in the card's order."""
    own = replace(
        Settings(), emergency_number="999", clinic_phone="020 7946 0000", crisis_line="Samaritans, 116 123"
    )

    assert [call["link"] for call in calls(["emergency"], own)] == ["tel:999"]
    assert [call["link"] for call in calls(["urgent"], own)] == ["tel:02079460000", "tel:999"]
    assert [call["link"] for call in calls(["self_harm"], own)] == ["tel:999", "tel:116123"]
    assert calls(["disclaimer"], own) == []


def test_no_number_no_link() -> None:
    """Where nothing is set, nothing is offered; words are no number."""
    wordy = replace(Settings(), emergency_number="the police")

    assert [calls(list(OFFERED), kept) for kept in (Settings(), wordy)] == [[], []]
