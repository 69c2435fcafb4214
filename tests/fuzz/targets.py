"""What is fuzzed without Rasa: for each parser of outside data a function that takes any bytes.

A target returns where the parser gave what it promises, or refused in the documented way; it raises
where the promise is broken. ``run.py`` gives them to atheris, ``test_fuzz.py`` to hypothesis.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mesoguide import disguises, evaluation_data, languages, safety
from mesoguide.ask_lines import read_conversation
from mesoguide.cleaning import MOST_READ, door_text, readable
from mesoguide.errors import DataError
from mesoguide.failure import failure_reply
from mesoguide.knowledge import filled, load_knowledge
from mesoguide.messaging import channels, commands
from mesoguide.messaging.messages import Incoming, Received, seconds
from mesoguide.messaging.messenger import Messenger
from mesoguide.messaging.slack import Slack
from mesoguide.messaging.telegram import Telegram
from mesoguide.messaging.twilio import Twilio
from mesoguide.reply import respond
from mesoguide.settings import ROOT, Settings, load_settings
from mesoguide.types import Memory, Question, Reply, whole_reply
from mesoguide.website.requests import Refused, may_call, read_message, read_thumb
from mesoguide.website.sessions import Sessions
from mesoguide.yaml_lines import load

Target = Callable[[bytes], None]
TARGETS: dict[str, Target] = {}
SEEDS: dict[str, tuple[bytes, ...]] = {}
"""Target → what usually comes in; mutations of it get further than bytes that make no sense."""

SETTINGS = Settings()
KNOWLEDGE = load_knowledge()
SESSIONS = Sessions(b"a secret of this test")
TOKEN = SESSIONS.issue()
FORM = {"content-type": "application/x-www-form-urlencoded"}
PLACE = Path(tempfile.mkdtemp(prefix="mesoguide-fuzz-"))
"""Folder of the data files that are made up."""


def target(*seeds: bytes | str | dict[str, Any]) -> Callable[[Target], Target]:
    """Register a function as a target, under its name, with what usually comes in."""

    def registered(function: Target) -> Target:
        TARGETS[function.__name__] = function
        SEEDS[function.__name__] = tuple(_bytes(seed) for seed in seeds)
        return function

    return registered


def _bytes(seed: bytes | str | dict[str, Any]) -> bytes:
    if isinstance(seed, dict):
        seed = json.dumps(seed)
    return seed if isinstance(seed, bytes) else seed.encode("utf-8", "surrogateescape")


def text_of(data: bytes) -> str:
    """Any text at all; a byte that is no UTF-8 gives a lone surrogate, as JSON's escapes can bring them."""
    return data.decode("utf-8", "surrogateescape")


def written(name: str, data: bytes) -> Path:
    """Return a file with ``data``."""
    path = PLACE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def refused_well(error: DataError) -> None:
    """Whether each problem names a file, a line and a mend, and can be printed anywhere."""
    for problem in error.problems:
        assert problem.place.file
        assert problem.place.line >= 1
        assert problem.wrong.strip()
        assert problem.mend.strip()
        assert len(str(problem)) < 5000
        str(problem).encode()


# -- what users type


@target("does it hurt?", "I can’t breathe… ½ ﷺ", "／restart", "\u200b/ hi", "a\u0316\u0301 🙂 \x00")
def door(data: bytes) -> None:
    """The door lets any text in as one that can be written and read."""
    said = door_text(text_of(data))
    said.encode()
    assert not said.startswith("/")
    plain = readable(said, 1000)
    assert len(plain) <= 1000
    assert not plain.startswith("/")


@target("i want to die", "no me puedo mover", "my throat… is closing", "no fever " * 9, "是否疼痛")
def red_flags(data: bytes) -> None:
    """What needs no model reads any text for red flags."""
    said = readable(door_text(text_of(data)), MOST_READ)
    assert set(safety.matched(said)) <= set(safety.TIERS)
    assert languages.red_flag(said) in (None, *safety.RED_FLAGS)
    assert safety.readings(disguises.undisguised(said))
    reply = failure_reply(text_of(data), SETTINGS)
    assert reply.text
    assert reply.tier in (None, *safety.RED_FLAGS)


@target("/start", "/help@mesoguide_bot", "GET_STARTED", "/start a_b-1", "delete my data.", " /delete !")
def command(data: bytes) -> None:
    """Any text is a command, or stays as it is."""
    said = text_of(data)
    assert commands.meaning(said) in (said, commands.DELETE, *commands.SPOKEN.values())


@target({"id": "q1", "messages": ["does it hurt?", "why?"]}, '{"id": NaN, "messages": []}', "[" * 900)
def ask_line(data: bytes) -> None:
    """A line of ``mesoguide ask --jsonl`` is a conversation or a ValueError, and its id can be given back."""
    try:
        name, messages = read_conversation(data)
    except ValueError as refusal:
        json.dumps(str(refusal))
        return
    assert all(isinstance(text, str) for text in messages)
    json.dumps({"id": name}, allow_nan=False)


# -- the website


@target(TOKEN, TOKEN + "\n", TOKEN.upper())
def token(data: bytes) -> None:
    """Only a token that was issued opens a conversation."""
    said = text_of(data)
    assert (SESSIONS.sender(said) is not None) == (said == TOKEN)
    SESSIONS.name("telegram", said).encode("ascii")


@target({"id": "abcdefgh", "text": "does it hurt?"}, '{"id": "abcdefgh", "text": "\\ud800"}')
def message(data: bytes) -> None:
    """The body of a message is one, or refused with a status and a reason."""
    try:
        sent = read_message(data)
    except Refused as refusal:
        assert refusal.status in (400, 413)
        assert refusal.why
        failure_reply(refusal.text, SETTINGS)
    else:
        sent.name.encode("ascii")
        door_text(sent.text)


@target({"id": "abcdefgh", "value": 1, "reason": ""}, {"id": "abcdefgh", "value": -1, "reason": "wrong"})
def thumb(data: bytes) -> None:
    """The body of a thumb is one, or refused."""
    try:
        given = read_thumb(data)
    except Refused as refusal:
        assert refusal.status in (400, 413)
        return
    assert (type(given.value), type(given.reason), abs(given.value)) == (int, str, 1)


@target(
    "https://www.clinic.example", "http://[", "null", "// ", "//", "http://bot.example:80", "//bot.example"
)
def origin(data: bytes) -> None:
    """A page may call, or may not; no header of a browser is an error."""
    known = frozenset({"https://www.clinic.example"})
    assert may_call(text_of(data), "bot.example", known) in (True, False)
    assert not may_call(text_of(data), None, frozenset())


# -- messaging platforms


TELEGRAM = Telegram("123456:AAtoken", "mesoguide_bot", "a-secret-of-this-test")
SLACK = Slack("xoxb-token", "0123456789abcdef0123456789abcdef")
TWILIO = Twilio("AC1", "token", "https://bot.clinic.example/webhooks/twilio/webhook")
MESSENGER = Messenger("word-of-this-test", "secret", "token")
LINES = [("text", "Talk to a doctor.")]


def taken_in(platform: Any, body: bytes, headers: dict[str, str] | None = None) -> None:
    """Whether ``platform`` reads a signed body into messages that can be kept, named and answered."""
    request = Received("https://bot.clinic.example/webhook?a=b", headers or {}, body)
    assert not platform.verified(request)
    try:
        platform.acknowledge(request).body.encode()
        found = platform.read(request)
    except ValueError:
        return
    for each in found:
        assert each.key
        assert each.sender
        assert Incoming.from_json(each.to_json()) == each
        SESSIONS.name(platform.name, each.sender)
        for call in platform.write(LINES, ["Why?"], each.address):
            json.dumps(call.body, allow_nan=False)


def _telegram(**message: Any) -> dict[str, Any]:
    common = {"message_id": 1, "from": {"id": 9, "is_bot": False}, "chat": {"id": 9, "type": "private"}}
    return {"update_id": 1, "message": {**common, **message}}


@target(
    _telegram(text="does it hurt?"),
    _telegram(text="/help@other", chat={"id": -1, "type": "group"}, entities=[{"type": "bot_command"}]),
    _telegram(photo=[], caption="look", reply_to_message={"from": {"id": 123456}}),
    {"update_id": 2, "callback_query": {"data": "Why?", "message": {"chat": {"id": 9, "type": "private"}}}},
    {"update_id": 3, "edited_message": _telegram(text="pus")["message"]},
)
def telegram(data: bytes) -> None:
    """An update of Telegram's."""
    taken_in(TELEGRAM, data)


def _slack(**event: Any) -> dict[str, Any]:
    common = {"type": "message", "user": "U1", "channel": "D1", "channel_type": "im", "ts": "1.2"}
    authorizations = [{"user_id": "U0", "is_bot": True}]
    event = {**common, **event}
    return {"type": "event_callback", "team_id": "T1", "event": event, "authorizations": authorizations}


@target(
    _slack(text="does it &lt;hurt&gt; <@U0> <https://a.example|a>?"),
    _slack(type="app_mention", channel="C1", channel_type="channel", text="<@U0> hi", thread_ts="1.1"),
    _slack(
        subtype="message_changed", message={"user": "U1", "ts": "1.2", "text": "pus", "edited": {"ts": "2"}}
    ),
    {"type": "url_verification", "challenge": "abc"},
    '{"type": "url_verification", "challenge": "\\ud800"}',
)
def slack_event(data: bytes) -> None:
    """An event of Slack's."""
    taken_in(SLACK, data)


@target(
    "command=%2Fmesoguide-help&text=&user_id=U1&team_id=T1&trigger_id=1",
    "payload=%7B%22type%22%3A%22block_actions%22%2C%22user%22%3A%7B%22id%22%3A%22U1%22%7D%2C%22actions%22%3A"
    "%5B%7B%22value%22%3A%22Why%3F%22%7D%5D%7D",
)
def slack_form(data: bytes) -> None:
    """A button or a command of Slack's."""
    taken_in(SLACK, data, FORM)


@target(
    "MessageSid=SM1&From=whatsapp%3A%2B447700900000&To=whatsapp%3A%2B14155238886&Body=does+it+hurt%3F",
    "MessageSid=SM2&From=%2B447700900000&To=%2B1415&Body=STOP&OptOutType=STOP",
    "MessageSid=SM3&From=whatsapp%3AGB.abc&To=x&ButtonText=Why%3F",
)
def twilio(data: bytes) -> None:
    """A form of Twilio's."""
    taken_in(TWILIO, data, FORM)


def _messenger(**event: Any) -> dict[str, Any]:
    return {"object": "page", "entry": [{"messaging": [{"sender": {"id": "1"}, "timestamp": 5, **event}]}]}


@target(
    _messenger(message={"mid": "m1", "text": "does it hurt?"}),
    _messenger(postback={"mid": "m2", "title": "Help", "payload": "/help"}),
    _messenger(message_edit={"mid": "m1", "num_edit": 1, "text": "pus"}),
)
def messenger(data: bytes) -> None:
    """A batch of Messenger's."""
    taken_in(MESSENGER, data)


@target("2", "0.5", "nan", "-inf", "soon", "v0=abc", "sha256=00", "1700000000")
def header(data: bytes) -> None:
    """Headers: a made-up signature is never taken, and a wait is a number of seconds up to an hour."""
    said = text_of(data)
    names = (
        "x-telegram-bot-api-secret-token",
        "x-slack-signature",
        "x-twilio-signature",
        "x-hub-signature-256",
    )
    for platform in (TELEGRAM, SLACK, TWILIO, MESSENGER):
        for url in (
            f"http://x/webhook?{said}",
            f"http://x/webhook?hub.mode=subscribe&hub.verify_token={said}",
        ):
            headers = {**dict.fromkeys(names, said), "x-slack-request-timestamp": said, "content-type": said}
            assert not platform.verified(Received(url, headers, data))
    assert 0 <= seconds(said) <= 3600


@target(
    {"ok": True},
    {"ok": False, "error_code": 429, "description": "chat not found", "parameters": {"retry_after": 3}},
    {"ok": False, "error": "ratelimited"},
    {"code": 21610},
    {"error": {"code": 551, "is_transient": True}},
    '{"error_code": 1, "error": {"code": []}, "parameters": {"retry_after": -1' + "0" * 400 + "}}",
)
def answers(data: bytes) -> None:
    """What a platform answers to a call says sent, again or never, and a reason that fits a log line."""
    for platform in (TELEGRAM, SLACK, TWILIO, MESSENGER):
        for status in (200, 400, 500):
            outcome = platform.outcome(status, {"retry-after": data.decode("latin-1")}, data)
            assert 0 <= outcome.wait <= 3600
            assert not (outcome.sent and outcome.again)
            assert outcome.reason.isascii()
            assert len(outcome.reason) <= 60


# -- what was kept, and what other processes say


@target(
    {"topics": ["pain"], "told": ["guide.intro.what"], "asked": [], "reminders": 2},
    {"topics": ["a topic that was renamed"], "told": ["x"], "asked": ["y"]},
    '{"reminders": 1e999, "topics": 5, "told": [[]]}',
    "[1]",
)
def memory(data: bytes) -> None:
    """Whatever stands in the slot, the next message gets its reply."""
    try:
        kept = Memory.from_dict(json.loads(data))
    except (ValueError, RecursionError):
        return  # no JSON: Rasa read the slot, so it is some
    json.dumps(kept.to_dict(), allow_nan=False)
    for intent in ("pain", "ask_more", "ask_next", "ask_why", "ask_sources", "affirm", "unclear", "clarify"):
        asked = Question("and that then?", intent, sure=True, ranking=(("pain", 0.4), ("cost", 0.3)))
        reply, after = respond([asked], kept, KNOWLEDGE, SETTINGS)
        assert reply.text
        json.dumps(after.to_dict())


@target(Incoming("1", "2", {"chat_id": "2"}, "does it hurt?").to_json(), '{"key": 1}', "[]", "null")
def inbox_row(data: bytes) -> None:
    """A row of the inbox is a message or a ValueError."""
    try:
        kept = Incoming.from_json(data.decode("utf-8", "replace"))
    except ValueError:
        return
    assert all(isinstance(each, str) for each in (kept.key, kept.sender, kept.text, *kept.address.values()))
    assert kept.manner in ("answer", "decline", "watch")


@target(
    {**Reply("a", "answer", sources=({"document": "guide", "section": "b"},)).to_dict()}, "{}", '{"text": ""}'
)
def reply(data: bytes) -> None:
    """A reply of an action server or of the store is whole, or none."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return
    found = whole_reply(value)
    assert found is None or (found["text"].strip() and all(isinstance(b, str) for b in found["buttons"]))


# -- data files


YAML = (
    "a: 1\nb: [x, {c: d}]\n", "a: 2026-13-45\n", "a: !!int x\n", "a: !!int ''\n", 'a: "\\ud800\\0"\n', "a: &a [*a]\n", "? {a: b}\n: c\n",
    "a: 0x_\n", "a: " + "[" * 600, "a: !!map x\n", 'a: "\\U00110000"\n', "a: !!timestamp x\n", "<<: {a: b}\n", "=: a\n",
)  # fmt: skip


@target(*YAML)
def yaml_file(data: bytes) -> None:
    """Any data file is a mapping of text that can be shown, or refused with file, line and mend."""
    try:
        content = load(written("data.yml", data), "data.yml")
    except DataError as error:
        refused_well(error)
        return
    for key in content:
        assert content.place(key).line >= 1
    if not re.search(rb"[&*]", data):  # an anchor can hold itself, or a million texts in a line
        json.dumps(content, default=str, ensure_ascii=False).encode()


@target(
    (ROOT / "settings.yml").read_bytes(),
    *YAML,
    f"website_port: {'9' * 5000}\n",
    "database: postgresql://a:b@c:d/e",
)
def settings_file(data: bytes) -> None:
    """Settings are usable, or refused."""
    try:
        found = load_settings(written("settings.yml", data), {})
    except DataError as error:
        refused_well(error)
        return
    assert 1 <= found.website_port <= 65535
    assert "@c:d" not in found.database
    filled(KNOWLEDGE, found).notices["greeting"].encode()


@target("5005", "9" * 5000, "٣", "http://", "postgresql://a:b@c:d/e", "redis://[", "\udcff", "embedded")
def environment(data: bytes) -> None:
    """So are those of the environment."""
    said, fields = text_of(data).replace("\0", ""), Settings.__dataclass_fields__.values()
    for names in (fields, [field for field in fields if field.type == "str"]):
        try:
            load_settings(ROOT / "settings.yml", {f"MESOGUIDE_{field.name.upper()}": said for field in names})
        except DataError as error:
            refused_well(error)


CREDENTIALS = (ROOT / "credentials.yml").read_text("utf-8").partition("# mesoguide")[2]
SWITCHED_ON = re.sub(r"^# ", "", f"# mesoguide{CREDENTIALS}", flags=re.MULTILINE).encode()


@target(SWITCHED_ON, SWITCHED_ON.replace(b"${MESSENGER_VERIFY}", b"[aaaaaaaaaa]"), *YAML)
def credentials(data: bytes) -> None:
    """A credentials file switches platforms on whose every line is a text, or is refused."""
    file = written("credentials.yml", data)
    known = {"TELEGRAM_ACCESS_TOKEN": "123456789:" + "A" * 35, "MESSENGER_VERIFY": "a word of ours"}
    try:
        channels.report(file, known)
        on = channels.switched_on(file, known)
    except DataError as error:
        refused_well(error)
        return
    assert not any("[" in str(vars_of) for platform in on for vars_of in _values(platform))


def _values(platform: Any) -> list[str]:
    return [getattr(platform, rule.field) for rule in platform.rules]


DOCUMENT = """\
document: one
name: The one
title: One
publisher: nobody
publisher_kind: a page
file: a.txt
sha256: "00"
read: 2026-11-22
reviewed: 2026-11-22
sections:
  a:
    title: A
    starts: A
    statements:
      b: {says: it is so, anchors: [so]}
"""
TOPIC = "pain: {label: pain, agreement: one, lead: [one.a.b], open: '{clinic}', next: ['Why?']}\n"


def _knowledge(name: str, data: bytes) -> None:
    folder = PLACE / f"knowledge-{Path(name).stem}"
    files = {"documents/one.yml": DOCUMENT.encode(), "topics.yml": TOPIC.encode(), "notices.yml": NOTICES}
    for file, content in {**files, name: data}.items():
        written(f"{folder.name}/{file}", content)
    try:
        found = load_knowledge(folder)
    except DataError as error:
        refused_well(error)
        return
    for each in (KNOWLEDGE if name != "notices.yml" else found).notices.values():
        each.encode()
    full = filled(found, SETTINGS)
    full.notices["differ"].format(differ_on="how much it hurts")
    full.notices["nothing_left"].format(label="pain")
    full.notices["clarify"].format(first="a", second="b")
    assert not any("{clinic" in text for text in full.notices.values())
    assert all((document.reviewed - document.reviewed).days == 0 for document in found.documents.values())
    assert all(
        str(document.read).count("-") == 2 and " " not in str(document.read)
        for document in found.documents.values()
    )


NOTICES = (ROOT / "knowledge" / "notices.yml").read_bytes()


@target(DOCUMENT, DOCUMENT.replace("2026-11-22\ns", "2026-11-22 10:00:00\ns"), *YAML)
def document_file(data: bytes) -> None:
    """A document is whole, or refused."""
    _knowledge("documents/one.yml", data)


@target(TOPIC, TOPIC.replace("'{clinic}'", "'{clinic:>9}'"), TOPIC.replace("[one.a.b]", "[[]]"), *YAML)
def topics_file(data: bytes) -> None:
    """Topics are whole, or refused."""
    _knowledge("topics.yml", data)


@target(
    NOTICES,
    *(NOTICES.replace(b"{differ_on}", b) for b in (b"{differ_on!z}", b"{differ_on:>9}", b"{", b"{0}")),
)
def notices_file(data: bytes) -> None:
    """Fixed texts can all be filled in, or are refused."""
    _knowledge("notices.yml", data)


def _safety(name: str, data: bytes, read: Callable[[Path], Any]) -> Any:
    written(f"safety/{name}", data)
    try:
        return read(PLACE / "safety")
    except DataError as error:
        refused_well(error)
    return None


@target(
    "urgent:\n  - '\\bpus\\b'\n",
    "urgent: 5\n",
    "urgent: ab\n",
    "urgent: ['a{99999999999}']\n",
    "urgent: [[a]]\n",
    *YAML,
)
def patterns_file(data: bytes) -> None:
    """Patterns compile, or are refused."""
    for pattern in _safety("patterns.yml", data, safety.patterns.__wrapped__) or ():
        assert pattern.tier in safety.TIERS
        assert pattern.expression.pattern


@target((ROOT / "safety" / "certain.yml").read_bytes(), "medicines: [a]\n", *YAML)
def certain_file(data: bytes) -> None:
    """Patterns that decide alone compile and tell of red flags, or are refused."""
    for pattern in _safety("certain.yml", data, safety.certain.__wrapped__) or ():
        assert pattern.tier in safety.RED_FLAGS


@target((ROOT / "safety" / "costs.yml").read_bytes(), "missed_red_flag: .nan\n", *YAML)
def costs_file(data: bytes) -> None:
    """Costs are numbers above 0, or refused."""
    found = _safety("costs.yml", data, safety.costs) or {}
    assert all(0 < cost < float("inf") for cost in found.values())


@target(
    (ROOT / "safety" / "disguises.yml").read_bytes(),
    'look_alikes: {a: "4"}\nbetween: "."\nfor_a_vowel: "]"\n',
    "look_alikes: 5\n",
    *YAML,
)
def disguises_file(data: bytes) -> None:
    """Disguises stand for one letter each, or are refused."""
    found = _safety("disguises.yml", data, disguises.disguises.__wrapped__)
    assert not found or all(len(letter) == 1 for letter in found.letters.values())


@target(
    b"".join((ROOT / "safety" / "languages.yml").read_bytes().splitlines(keepends=True)[3:8]),
    "es: 5\n",
    *YAML,
)
def languages_file(data: bytes) -> None:
    """Languages have a name, a line and phrases, or are refused."""
    for language in (_safety("languages.yml", data, languages.languages.__wrapped__) or {}).values():
        assert isinstance(language.name, str)
        assert isinstance(language.line, str)
        assert all(phrase for phrases in language.phrases.values() for phrase in phrases)


@target(
    '{"text": "a", "tier": "none"}\n',
    '{"text": 5, "tier": "none"}',
    '{"text": "a", "tier": [], "accept": 5}',
    b"\xff",
)
def calibration_file(data: bytes) -> None:
    """Calibration messages are text with a known tier, or refused."""
    for row in _safety("calibration.jsonl", data, safety.calibration) or ():
        assert isinstance(row.text, str)
        assert row.tier in safety.TIERS


@target("i cant breathe\n# a comment\n", b"\xff")
def examples_file(data: bytes) -> None:
    """Examples are lines of text, or refused."""
    for tier in safety.TIERS:
        written(f"safety/examples/{tier}.txt", data)
    for text, _ in _safety("examples/none.txt", data, safety.examples) or ():
        assert text.strip()


@target('{"text": "a\u2028b"}\n{"text": "c"}', "5", "[" * 9999, b"\xff", "null\n")
def evaluation_file(data: bytes) -> None:
    """Evaluation questions are JSON objects, or refused."""
    written("evals/questions.jsonl", data)
    try:
        rows = evaluation_data.read("questions", PLACE / "evals")
    except DataError as error:
        refused_well(error)
        return
    assert len(rows) <= data.count(b"\n") + 1
