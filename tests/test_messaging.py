"""Messaging platforms without a server: reading, writing, fitting, commands, credentials."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesoguide.errors import DataError
from mesoguide.messaging import channels, commands, echo
from mesoguide.messaging.fitting import fitting, pages, plain, utf16
from mesoguide.messaging.messages import Call, Incoming, Received, look, seconds, word
from mesoguide.messaging.messenger import Messenger
from mesoguide.messaging.slack import Slack
from mesoguide.messaging.telegram import Telegram
from mesoguide.messaging.twilio import Twilio
from mesoguide.settings import ROOT
from mesoguide.website.sessions import Sessions

TELEGRAM = Telegram("123456:AAtoken", "mesoguide_bot", "a-secret-of-this-test")
SLACK = Slack("xoxb-token", "0123456789abcdef0123456789abcdef")
TWILIO = Twilio("AC1", "token", "https://bot.clinic.example/webhooks/twilio/webhook")
MESSENGER = Messenger("word-of-this-test", "secret", "token")
ALL = (TELEGRAM, SLACK, TWILIO, MESSENGER)
ADDRESSES: dict[str, dict[str, str]] = {
    "telegram": {"chat_id": "1"}, "slack": {"channel": "D1"}, "messenger": {"recipient": "1"},
    "twilio": {"to": "whatsapp:+447700900000", "from": "whatsapp:+14155238886"},
}  # fmt: skip
LIMITS = {"telegram": 4096, "slack": 3000, "twilio": 1600, "messenger": 2000}
every_platform = pytest.mark.parametrize("platform", ALL, ids=lambda platform: platform.name)

NAMES = (
    "message", "edited_message", "callback_query", "update_id", "chat", "id", "type", "from", "is_bot", "text",
    "caption", "entities", "event", "event_callback", "channel", "user", "ts", "subtype", "message_changed",
    "edited", "authorizations", "actions", "entry", "messaging", "sender", "mid", "postback", "payload", "object",
)  # fmt: skip
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=8)
    | st.sampled_from(["private", "group", "page", "message", "im", "event_callback", "block_actions"])
)  # fmt: skip
ANY_JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=25,
)
LINES = st.lists(
    st.tuples(st.sampled_from(["said", "text", "heading"]), st.text(min_size=1, max_size=300)),
    min_size=1,
    max_size=8,
).map(lambda found: [(role, " ".join(text.split()) or "x") for role, text in found])


def received(body: bytes, headers: dict[str, str] | None = None, url: str = "http://x/webhook") -> Received:
    return Received(url, headers or {}, body)


def texts(calls: list[Call]) -> list[str]:
    """What each call carries as text, in whatever field the platform has for it."""
    return [
        str(look(c.body, "text") or look(c.body, "Body") or look(c.body, "message", "text")) for c in calls
    ]


# -- reading


@every_platform
@given(value=ANY_JSON)
def test_any_json_is_read_or_refused(platform: Any, value: Any) -> None:
    """Whatever a signed body holds: messages with a key, a sender and an address, or a ValueError."""
    form = {"content-type": "application/x-www-form-urlencoded"}
    for request in (
        received(json.dumps(value).encode()),
        received(urlencode({"payload": json.dumps(value)}).encode(), form),
        received(
            urlencode({"command": "/help", "MessageSid": "1", "From": str(value)}).encode("utf-8", "replace"),
            form,
        ),
    ):
        try:
            platform.acknowledge(request)
            found = platform.read(request)
        except ValueError:
            continue
        assert all(each.sender and each.address and isinstance(each.text, str) for each in found)
        assert [Incoming.from_json(each.to_json()) for each in found] == found


@every_platform
@given(body=st.binary(max_size=200), header=st.text(max_size=80), moment=st.text(max_size=12))
def test_no_made_up_signature_is_taken(platform: Any, body: bytes, header: str, moment: str) -> None:
    """Whatever stands in the headers and the body, it is not taken for the platform's, and nothing fails."""
    names = (
        "x-telegram-bot-api-secret-token", "x-slack-signature", "x-twilio-signature", "x-hub-signature-256",
        "x-hub-signature",
    )  # fmt: skip
    headers = {**dict.fromkeys(names, header), "x-slack-request-timestamp": moment}

    assert not platform.verified(received(body, headers))
    assert not platform.verified(
        received(body, {**headers, "x-slack-request-timestamp": str(int(time.time()))})
    )
    assert not MESSENGER.verified(
        received(body, headers, "http://x/webhook?hub.mode=subscribe&hub.verify_token=")
    )


def test_somebody_who_writes_in_a_groups_name_is_no_bot() -> None:
    """Telegram puts a bot of its own before an anonymous person: their red flag is read, another bot's is not."""
    sender, chat = {"id": 9, "is_bot": True}, {"id": -1, "type": "supergroup"}
    message = {"message_id": 1, "text": "cant breathe", "chat": chat, "from": sender}
    found = [
        TELEGRAM.read(received(json.dumps({"update_id": 1, "message": each}).encode()))
        for each in (message, {**message, "sender_chat": {"id": -1}})
    ]

    assert found[0] == []
    assert [each.manner for each in found[1]] == ["watch"]


def test_look() -> None:
    """A path into JSON gives what stands there, and None wherever the JSON is of another shape."""
    value = {"a": [{"b": 1}], "c": True}

    assert (look(value, "a", 0, "b"), look(value, "a", 1), look(value, "a", "b"), look(5, "a")) == (
        1,
        None,
        None,
        None,
    )
    assert (word(value, "a", 0, "b"), word(value, "c"), word(value, "a")) == ("1", "", "")


@pytest.mark.parametrize(
    ("written", "read"), [("2", 2), ("0.5", 0.5), ("", 0), ("soon", 0), ("-1", 0), ("9e9", 3600), ("nan", 0)]
)
def test_retry_after(written: str, read: float) -> None:
    """Seconds to wait are read, and nobody can make the bot wait for ever."""
    assert seconds(written) == read


# -- fitting and writing


@given(LINES, st.integers(200, 1000), st.sampled_from([len, utf16]))
def test_pages_lose_nothing(lines: list[tuple[str, str]], most: int, length: Any) -> None:
    """No message is longer than the limit, all words are there in their order, the notice is in the first."""
    notice = ("notice", "Talk to a doctor.")
    made = pages([*lines, notice], most, length)

    assert all(length(plain(page)) <= most for page in made)
    assert notice in made[0]
    assert all(page for page in made)
    said = "".join(text for page in made for role, text in page if role != "notice")
    assert said.replace(" ", "") == "".join(text for _, text in lines).replace(" ", "")


def test_what_is_offered_after_the_notice_does_not_push_it_out() -> None:
    """Where a reply and the questions that are no buttons fill two messages, the notice ends the first."""
    reminder, said, notice = (
        ("notice", "Do not wait."),
        ("said", "word " * 200),
        ("notice", "Talk to a doctor."),
    )
    calls = MESSENGER.write([reminder, said, said, notice], ["a question " * 50], {"recipient": "1"})

    assert len(calls) == 2
    assert texts(calls)[0].startswith("Do not wait.")
    assert texts(calls)[0].endswith("Talk to a doctor.")
    assert "a question" in texts(calls)[1]


def test_a_notice_that_is_too_long_is_cut_like_any_text() -> None:
    """A setting can make it so; nothing is lost and no message is too long."""
    made = pages([("text", "a b"), ("notice", "word " * 100)], 100)

    assert all(len(plain(page)) <= 100 for page in made)
    assert sum(plain(page).count("word") for page in made) == 100


@every_platform
@given(lines=LINES, buttons=st.lists(st.text(min_size=1, max_size=100), max_size=12, unique=True))
def test_every_reply_fits(platform: Any, lines: list[tuple[str, str]], buttons: list[str]) -> None:
    """Each message keeps the platform's limit, and every button is there, as a button or as text."""
    calls = platform.write([*lines, ("notice", "Talk to a doctor.")], buttons, ADDRESSES[platform.name])
    whole = json.dumps([dict(call.body) for call in calls], ensure_ascii=False).replace("\u2060", "")

    assert all(0 < utf16(text) <= 2 * LIMITS[platform.name] for text in texts(calls))
    assert "Talk to a doctor." in texts(calls)[0]
    for button in buttons:
        assert json.dumps(button, ensure_ascii=False)[1:-1].strip() in whole or " " in button


def test_buttons_that_fit() -> None:
    """Those within number and length are shown, the rest is offered as text."""
    assert fitting(["a", "bb", "ccc", "d"], 2, 2) == (["a", "bb"], ["ccc", "d"])


def test_whatsapp_marks_are_literal() -> None:
    """A word between stars is not made bold; on SMS nothing is changed."""
    lines = [("text", "the *best* _clinic_, 2*3 and a_b")]
    whatsapp, sms = (
        texts(TWILIO.write(lines, [], {"to": to, "from": "+1"}))[0]
        for to in ("whatsapp:+447700900000", "+447700900000")
    )

    assert whatsapp.replace("\u2060", "") == sms == "the *best* _clinic_, 2*3 and a_b"
    assert "\u2060*\u2060best\u2060*\u2060" in whatsapp
    assert "2*3" in whatsapp


@every_platform
def test_secrets_are_never_shown(platform: Any) -> None:
    """A platform that gets into a log or an error shows no token and no secret."""
    for secret in ("AAtoken", "a-secret-of-this-test", "xoxb-token", "0123456789abcdef", "word-of-this-test"):
        assert secret not in repr(platform)
    call = platform.write([("text", "a")], [], ADDRESSES[platform.name])[0]
    assert not any(secret in repr(call) for secret in ("AAtoken", "xoxb-token", "password='", "Bearer"))


# -- commands


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("/start", "hello"), ("/start@mesoguide_bot", "hello"), ("/START", "hello"), ("/start a_b-1", "hello"),
        ("/help", "What can you do?"), (" /help ", "What can you do?"), ("GET_STARTED", "hello"),
        ("/delete", commands.DELETE), ("Delete.", commands.DELETE), ("delete my data", commands.DELETE),
        ("help", "help"), ("start", "start"), ("delete the swelling", "delete the swelling"),
        ("/start i want to die", "/start i want to die"), ("/cost", "/cost"), ("", ""), ("does it hurt?", "does it hurt?"),
    ],
)  # fmt: skip
def test_meaning(said: str, meant: str) -> None:
    """Only whole commands are commands; with more words behind it a message is read as it is."""
    assert commands.meaning(said) == meant


# -- credentials


VARIABLES = {
    "TELEGRAM_ACCESS_TOKEN": "123456789:AAtest-token_of-the_fake-platform-000", "TELEGRAM_USERNAME": "mesoguide_bot",
    "TELEGRAM_SECRET_TOKEN": "a-secret-of-this-test",
}  # fmt: skip


def switched(tmp_path: Path, change: Any = lambda text: text) -> Path:
    """The shipped credentials file with Telegram switched on, changed."""
    text = (ROOT / "credentials.yml").read_text("utf-8")
    start, end = (
        text.index("# mesoguide.rasa_host.messaging.TelegramInput"),
        text.index("\n\n# mesoguide.rasa_host.messaging.Slack"),
    )
    on = "\n".join(line.removeprefix("# ").removeprefix("#") for line in text[start:end].split("\n"))
    file = tmp_path / "credentials.yml"
    file.write_text(change(text[:start] + on + text[end:]), "utf-8")
    return file


def test_all_platforms_are_off_as_shipped() -> None:
    """Nobody gets a channel that was not asked for."""
    assert set(channels.check(ROOT / "credentials.yml", {}).values()) == {None}


@pytest.mark.parametrize(
    "door",
    [
        "rest",
        "socketio",
        "telegram",
        "callback",
        "twilio_voice",
        "rasa.core.channels.rest.RestInput",
        "own.Door",
    ],
)
def test_no_other_channel_can_be_switched_on(tmp_path: Path, door: str) -> None:
    """A channel that is not ours is refused with file and line: it would take forged messages and commands."""
    file = tmp_path / "credentials.yml"
    file.write_text(f"{channels.WEBSITE}: {{}}\n{door}:\n  key: value\n", "utf-8")
    text, well = channels.report(file, {})

    assert not well
    assert "credentials.yml:2" in text
    assert f"'{door}'" in text
    with pytest.raises(DataError, match="no channel of Mesoguide"):
        channels.switched_on(file, {})


def test_an_echo_is_told_from_a_person() -> None:
    """Our own reply that comes back is known, whatever stands around it; a person's words are not."""
    card = "Call your local emergency number now, or have somebody call it for you. Do not wait."
    for back in (card, f"Auto reply: {card.upper()} Sent from my phone", f"> {card}\nok"):
        assert echo.is_echo(back, echo.mark(card))
    for own in ("i called the emergency number", "", card[:30], "does it hurt?"):
        assert not echo.is_echo(own, echo.mark(card))
    assert not echo.is_echo("anything at all", echo.mark(""))


def test_a_platform_is_switched_on_by_its_lines(tmp_path: Path) -> None:
    """With its lines and variables a platform is made; the report says which are on and off."""
    (made,) = channels.switched_on(switched(tmp_path), VARIABLES)
    text, well = channels.report(switched(tmp_path), VARIABLES)

    assert made == Telegram(VARIABLES["TELEGRAM_ACCESS_TOKEN"], "mesoguide_bot", "a-secret-of-this-test")
    assert well
    assert text.splitlines()[0] == "telegram: on"
    assert all("off" in line for line in text.splitlines()[1:])


@pytest.mark.parametrize(
    ("change", "variables", "wrong"),
    [
        (lambda t: t, {}, "credentials.yml:9: error: the environment has no TELEGRAM_ACCESS_TOKEN"),
        (lambda t: t, {**VARIABLES, "TELEGRAM_USERNAME": "x"}, "credentials.yml:10: error: 'verify' can't be right"),
        (lambda t: t.replace("  verify: ${TELEGRAM_USERNAME}\n", ""), VARIABLES, "the line 'verify' is missing"),
        (lambda t: t.replace("  verify:", "  username:"), VARIABLES, "there is no line 'username' here"),
        (lambda t: t.replace("  verify:", "  api: ftp://x\n  verify:", 1), VARIABLES, "'api' is no address"),
        (lambda t: t + "\nmesoguide.rasa_host.messaging.SlackInput:\n", VARIABLES, "it has no lines under it"),
    ],
)  # fmt: skip
def test_a_wrong_line_is_named(tmp_path: Path, change: Any, variables: dict[str, str], wrong: str) -> None:
    """What is missing or can't be right is named with its place, and never shown."""
    file = switched(tmp_path, change)
    text, well = channels.report(file, variables)

    assert wrong in text
    assert not well
    assert "AAtest-token" not in text
    with pytest.raises(DataError):
        channels.switched_on(file, variables)


def test_a_secret_in_the_file_is_warned_of(tmp_path: Path) -> None:
    """It works, but secrets belong into the environment."""
    file = switched(tmp_path, lambda t: t.replace("${TELEGRAM_SECRET_TOKEN}", "written-in-the-file"))
    text, well = channels.report(file, VARIABLES)

    assert well
    assert "warning: 'secret_token' is a secret and stands in the file" in text
    assert "written-in-the-file" not in text


def test_nobody_can_tell_whose_conversation_it_is() -> None:
    """The stored name is made with the server's secret: a phone number can't be guessed from it."""
    first, other = Sessions(b"one secret of a test"), Sessions(b"another secret of it")

    assert first.name("twilio", "+44") == first.name("twilio", "+44")
    assert first.name("twilio", "+44") not in (other.name("twilio", "+44"), first.name("telegram", "+44"))
    assert "+44" not in first.name("twilio", "+44")
