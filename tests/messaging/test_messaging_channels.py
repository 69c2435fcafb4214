"""The messaging channels over real HTTP: whole, signed, once, and with each platform's manners."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mesoguide.knowledge import filled
from mesoguide.settings import ROOT, Settings
from tests.messaging import conftest as make
from tests.messaging.conftest import NUMBERS, PLATFORMS, Bot, new_user, request
from tests.messaging.fakes import Refused
from tests.samples import RAW

KNOWLEDGE = filled(RAW, Settings(emergency_number="999"))
NOTICES = KNOWLEDGE.notices
EMERGENCY = NOTICES["emergency"]
every_platform = pytest.mark.parametrize("platform", PLATFORMS)


def shown(sent: Any) -> str:
    """What a user reads, without what a platform can't show as buttons."""
    return sent.text.replace("\u2060", "").split("\nYou can also ask: ")[0]


def rows(bot: Bot, what: str = "count(*)", where: str = "1") -> list[Any]:
    with sqlite3.connect(bot.server.folder / "conversations.db") as database:
        return [row[0] for row in database.execute(f"select {what} from inbox where {where}")]


# -- whole


def test_a_reply_is_the_same_as_on_every_other_door(bot: Bot) -> None:
    """On each platform the text is the one that `mesoguide ask` gives, in one message, with its buttons."""
    asked = [
        "does it hurt?",
        "and PRP?",
        "where are you",
        "cant breathe",
        "how many sessions and what is in it?",
    ]
    command = [sys.executable, "-m", "mesoguide", "ask", "--jsonl"]
    done = subprocess.run(
        command, input=json.dumps({"id": 1, "messages": asked}), cwd=ROOT, text=True, capture_output=True,
        check=True, env={**os.environ, "MESOGUIDE_EMERGENCY_NUMBER": "999"},
    )  # fmt: skip
    replies = json.loads(done.stdout)["replies"]
    for platform in PLATFORMS:
        user = new_user(platform)
        found = [bot.answer(platform, text, user) for text in asked]

        assert [shown(sent) for sent in found] == [reply["text"] for reply in replies]
        assert len(bot.platforms.to(platform, user)) == len(asked)
        for sent, reply in zip(found, replies, strict=True):
            offered = [*sent.buttons, *sent.text.partition("\nYou can also ask: ")[2].split(" · ")]
            assert [text for text in offered if text] == [*reply["buttons"]]
    assert not bot.platforms.refused


@every_platform
def test_a_button_asks_its_question(bot: Bot, platform: str) -> None:
    """What a button carries comes back as a message and is answered as one; an intent in it is only words."""
    user = new_user(platform)
    first = bot.answer(platform, "does it hurt?", user)
    if platform == "telegram":
        again = bot.answer(platform, first.buttons[0], user)
    elif platform == "slack":
        element = first.body["blocks"][-1]["elements"][0]
        payload = {
            "type": "block_actions", "user": {"id": f"U{user[1:]}"}, "team": {"id": "T1"}, "channel": {"id": user},
            "actions": [{**element, "action_ts": "17.5", "block_id": "b"}], "container": {"message_ts": "17.4"},
        }  # fmt: skip
        status, _, _ = bot.post(
            platform,
            *make.slack({"payload": json.dumps(payload)}, kind="application/x-www-form-urlencoded"),
        )
        assert status == 200
        again = bot.answers(platform, user, 2)[-1]
    elif platform == "twilio":
        again = bot.answer(platform, "", user, ButtonText="Is it safe?", ButtonPayload="x")
    else:
        again = bot.answer(platform, "Is it safe?", user, quick_reply={"payload": "/greet"})

    assert "Sources:" in again.text


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    text=st.text(max_size=400)
    | st.sampled_from(["🙂" * 300, "ما هو العلاج؟", "x" * 3000, "<b>&amp;*_`~[](", "\u202e"])
)
def test_every_reply_is_deliverable_and_whole(bot: Bot, text: str) -> None:
    """Whatever a user writes, each platform takes the one answer, and its safety notice is in it."""
    cards = [NOTICES[key] for key in ("emergency", "urgent", "self_harm", "mention", "personal", "medicines",
             "pregnancy", "minor", "diy", "language", "disclaimer", "disclaimer_short", "error")]  # fmt: skip
    for platform in ("telegram", "slack", "twilio", "messenger"):
        user = new_user(platform)
        if platform == "twilio" and text.strip().lower() in ("stop", "end", "quit", "cancel"):
            continue
        sent = bot.answer(platform, text, user)
        body = shown(sent)

        assert any(card in body for card in cards), (platform, body)
        assert len(bot.platforms.to(platform, user)) == 1
    assert not bot.platforms.refused


@every_platform
def test_a_clinics_odd_texts_are_escaped(own_bot: Bot, platform: str) -> None:
    """A clinic's name with a platform's own marks in it is shown as it is written."""
    name = "Hair & <Scalp> *Clinic* _one_ `two` ~three~"
    own_bot.server.settings["clinic_name"] = name
    own_bot.server.start()

    assert name in own_bot.answer(platform, "how do i book an appointment?").text.replace("\u2060", "")
    assert not own_bot.platforms.refused


def test_a_reply_that_is_too_long_keeps_its_notice_in_the_first_message(own_bot: Bot) -> None:
    """Where a limit forces two messages, the notice is in the first, the order is kept, nothing is lost."""
    own_bot.server.settings["clinic_contact"] = " ".join(f"word{n}" for n in range(300))
    own_bot.server.start()
    user = new_user("twilio")
    own_bot.say("twilio", "how do i book an appointment?", user)
    first, *more = own_bot.answers("twilio", user, 2)
    words = "\n".join([first.text, *(sent.text for sent in more)])
    numbers = [int(number) for number in re.findall(r"word(\d+)", words)]

    assert NOTICES["disclaimer_short"] in first.text
    assert numbers == list(range(300))


# -- signed


def forged(platform: str) -> list[tuple[bytes, dict[str, str]]]:
    """Requests that the platform can't have sent."""
    user = new_user(platform)
    body, headers = request(platform, "does it hurt?", user)
    bare = {"Content-Type": headers["Content-Type"]}
    name = next(key for key in headers if "secret" in key.lower() or "signature" in key.lower())
    other = [(body, bare), (body, {**headers, name: ""}), (body, {**headers, name: headers[name][:-1] + "x"})]
    other.append((body, {**headers, name: "é" * 5}))
    if platform != "telegram":
        other.append((body.replace(b"hurt", b"cost"), headers))
    if platform == "slack":
        value = make.slack_message("does it hurt?", user, 1)
        other.append(make.slack(value, at=int(time.time()) - 400))
        other.append((body, {**headers, "X-Slack-Request-Timestamp": "now"}))
    if platform == "messenger":
        other.append((body, {**bare, "X-Hub-Signature": headers[name].replace("sha256", "sha1")}))
    if platform == "twilio":
        fields = make.twilio_message("does it hurt?", user, 1)
        other.append(make.twilio(fields, address="https://other.example/webhooks/twilio/webhook"))
    return [(sent, {k: v.encode().decode("latin-1") for k, v in names.items()}) for sent, names in other]


@every_platform
def test_a_request_that_is_not_signed_touches_nothing(bot: Bot, platform: str) -> None:
    """Unsigned, wrongly signed, too old or changed: 403, no row, no turn, no message."""
    before = rows(bot)
    for body, headers in forged(platform):
        status, _, found = bot.post(platform, body, headers)

        assert (status, set(found)) == (403, {"error"})
    assert rows(bot) == before


def test_meta_and_slack_can_check_the_address(bot: Bot) -> None:
    """The challenge comes back to the platform that knows the word or signs, and to nobody else."""
    path = "/webhooks/messenger/webhook?hub.mode=subscribe&hub.challenge=4711&hub.verify_token="
    good = bot.server.call("GET", path + "word-of-this-test")
    slack = bot.post("slack", *make.slack({"type": "url_verification", "challenge": "c9", "token": "t"}))

    assert (good[0], good[2]) == (200, b"4711")
    assert bot.server.call("GET", path + "another")[0] == 403
    assert bot.server.call("GET", "/webhooks/messenger/webhook")[0] == 403
    assert (slack[0], slack[2]) == (200, b"c9")


@every_platform
def test_odd_requests_are_answered_and_harm_nothing(bot: Bot, platform: str) -> None:
    """A signed request of any shape gets a status below 500, and the next message its answer."""
    sign = {"telegram": make.telegram, "slack": make.slack, "messenger": make.messenger}.get(platform)
    values: list[Any] = [
        {}, [], "x", None, {"update_id": 1}, {"message": 5, "update_id": 2}, {"event": []},
        {"type": "event_callback", "event": {"type": "message", "user": {}, "channel": 3, "ts": [1]}},
        {"object": "page", "entry": [{"messaging": [{"sender": {"id": "1"}, "message": []}, 7, None]}, 3]},
        {"update_id": 3, "my_chat_member": {"chat": {"id": 1}}}, {"update_id": 4, "inline_query": {"id": "1"}},
        {"update_id": 5, "message": {"chat": {"id": 1, "type": "private"}, "new_chat_title": "x"}},
    ]  # fmt: skip
    for value in values:
        sent = sign(value) if sign else make.twilio({"a": json.dumps(value)})
        assert bot.post(platform, *sent)[0] in (200, 400)
    assert "Sources:" in bot.answer(platform, "does it hurt?").text


@every_platform
def test_strange_characters_are_answered(bot: Bot, platform: str) -> None:
    """Half characters (a form can't bring them) and zero bytes end nothing and get their answer."""
    odd = "\u0000" if platform == "twilio" else "\ud83d\u0000"

    assert "Sources:" in bot.answer(platform, f"{odd} does it hurt?{odd}").text


# -- once


@every_platform
def test_a_message_delivered_again_is_answered_once(bot: Bot, platform: str) -> None:
    """Three deliveries of the same message give one turn and one answer."""
    user, number = new_user(platform), next(NUMBERS)
    for _ in range(3):
        assert bot.post(platform, *request(platform, "does it hurt?", user, number))[0] == 200
    bot.answers(platform, user)

    assert len(bot.quiet(platform, user)) == 1


@every_platform
def test_nothing_is_lost_when_the_process_dies(own_bot: Bot, platform: str) -> None:
    """Messages that were acknowledged before a kill are answered by the next process; no turn is had twice."""
    own_bot.server.start()
    user = new_user(platform)
    own_bot.platforms.faults[platform].append(8.0)  # the first answer is under way for long
    asked = ["does it hurt?", "how long does one visit take", "cant breathe"]
    for text in asked:
        own_bot.say(platform, text, user)
    own_bot.server.process.send_signal(signal.SIGKILL)
    own_bot.server.process.wait(10)
    own_bot.platforms.faults[platform].clear()
    own_bot.server.start()
    own_bot.answers(platform, user, 3, seconds=60)
    texts = [shown(sent) for sent in own_bot.platforms.to(platform, user)]
    *questions, flag = asked
    turns = turns_of(own_bot)

    # The call that was under way may have been heard: then its message is there twice, never lost.
    # A red flag does not wait for the others.
    assert EMERGENCY in texts
    assert len(set(texts)) == 3
    # Before the model is loaded a red flag is answered without a turn.
    assert sorted(text for text in turns if text != flag) == questions
    assert turns.count(flag) <= 1


@every_platform
def test_a_locked_database_delays_nobody(bot: Bot, platform: str) -> None:
    """While another process holds the database the webhook is acknowledged within three seconds, answered once."""
    user, number = new_user(platform), next(NUMBERS)
    with sqlite3.connect(bot.server.folder / "conversations.db", isolation_level=None) as foreign:
        foreign.execute("begin immediate")
        began = time.monotonic()
        bot.post(platform, *request(platform, "i cant breathe", user, number))
        acknowledged = time.monotonic() - began
        bot.post(platform, *request(platform, "i cant breathe", user, number))
        time.sleep(1)
        foreign.execute("rollback")
    sent = bot.answers(platform, user)
    bot.quiet(platform, user)

    assert acknowledged < 3
    assert shown(sent[0]) == EMERGENCY
    assert len(bot.platforms.to(platform, user)) == 1


def test_an_end_in_good_order_leaves_its_work_to_the_next(own_bot: Bot) -> None:
    """A message that could not be sent yet when the process was told to end is answered by the next at once."""
    own_bot.server.start()
    user = new_user("telegram")
    own_bot.platforms.faults["telegram"].append(Refused(500, b""))
    own_bot.platforms.faults["telegram"].append(Refused(500, b""))
    own_bot.say("telegram", "does it hurt?", user)
    own_bot.server.wait_for(lambda: own_bot.server.call("GET", "/webhooks/telegram/")[0] == 503)
    own_bot.server.stop()
    own_bot.platforms.faults["telegram"].clear()
    own_bot.server.start()

    assert len(own_bot.answers("telegram", user, seconds=10)) == 1


@pytest.mark.parametrize("first_stored", [True, False])
def test_a_second_delivery_across_an_outage_is_known(bot: Bot, first_stored: bool) -> None:
    """What was answered from memory, or was stored, is not answered again when the store goes or comes back."""
    user, number = new_user("telegram"), next(NUMBERS)

    def deliver() -> None:
        assert bot.post("telegram", *request("telegram", "does it hurt?", user, number))[0] == 200

    def with_the_store_away() -> None:
        with sqlite3.connect(bot.server.folder / "conversations.db", isolation_level=None) as foreign:
            foreign.execute("begin immediate")
            deliver()
            foreign.execute("rollback")

    for stored in (first_stored, not first_stored):
        deliver() if stored else with_the_store_away()
        bot.answers("telegram", user)

    assert len(bot.quiet("telegram", user)) == 1


def test_nothing_is_lost_while_the_process_ends(own_bot: Bot) -> None:
    """Everything that is acknowledged around an ordinary end is answered once, by this process or the next."""
    own_bot.server.start()
    users = [new_user("messenger") for _ in range(60)]
    taken: list[str] = []

    def send() -> None:
        for user in users:
            try:
                if own_bot.post("messenger", *request("messenger", "does it hurt?", user))[0] == 200:
                    taken.append(user)
            except OSError:
                return

    sending = threading.Thread(target=send)
    sending.start()
    own_bot.server.wait_for(lambda: len(taken) > 10, 30)
    own_bot.server.stop()
    sending.join()
    own_bot.server.start()
    for user in taken:
        own_bot.answers("messenger", user, seconds=60)
    own_bot.quiet("messenger", users[0])

    assert [len(own_bot.platforms.to("messenger", user)) for user in taken] == [1] * len(taken)


def test_a_backlog_is_answered_and_not_excused(own_bot: Bot) -> None:
    """A hundred messages that waited for the model all get their answer, and each one answer."""
    own_bot.server.start(wait=False)
    own_bot.server.wait_for(lambda: own_bot.server.call("GET", "/webhooks/telegram/")[0] == 200)
    users = [new_user("telegram") for _ in range(100)]
    for user in users:
        own_bot.say("telegram", "does it hurt?", user)
    found = [own_bot.answers("telegram", user, seconds=120) for user in users]

    assert all(len(sent) == 1 and "Sources:" in sent[0].text for sent in found)


def test_bytes_that_are_no_request_fill_no_log(bot: Bot) -> None:
    """What anybody can send leaves no traceback."""
    with socket.create_connection(("127.0.0.1", bot.server.port), timeout=5) as line:
        line.sendall(b"POST /webhooks/slack/webhook?\xff HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        line.settimeout(2)
        with contextlib.suppress(OSError):
            line.recv(1000)

    assert "Traceback" not in (bot.server.folder / "log").read_text("utf-8")
    assert bot.server.call("GET", "/webhooks/slack/")[2]["status"]


def turns_of(bot: Bot) -> list[str]:
    """Return what was said in each stored turn."""
    with sqlite3.connect(bot.server.folder / "conversations.db") as database:
        rows = database.execute("select data from events where type_name = 'user'").fetchall()
    return [json.loads(data)["text"] for (data,) in rows]


def test_a_message_that_comes_while_the_model_loads_is_answered(own_bot: Bot) -> None:
    """The port is open at once: a question waits for the model, a red flag does not."""
    own_bot.server.start(wait=False)
    own_bot.server.wait_for(lambda: own_bot.server.call("GET", "/webhooks/telegram/")[0] == 200)
    user, other = new_user("telegram"), new_user("telegram")
    own_bot.say("telegram", "does it hurt?", user)
    own_bot.say("telegram", "i can't breathe", other)

    assert own_bot.answers("telegram", other, seconds=60)[0].text == EMERGENCY
    assert "Sources:" in own_bot.answers("telegram", user, seconds=90)[0].text


def test_nothing_of_a_users_words_stays_in_the_inbox(bot: Bot) -> None:
    """After the answer the row holds a hash, and neither the words nor who said them."""
    user = new_user("messenger")
    bot.answer("messenger", "does the zebrafish hurt?", user)
    bot.quiet("messenger", user)

    assert rows(bot, where="incoming like '%zebrafish%'") == [0]
    assert rows(bot, where=f"key like '%{user}%' or door like '%{user}%'") == [0]


# -- sending


@pytest.mark.parametrize(
    ("platform", "fault"),
    [
        ("telegram", Refused(429, {"ok": False, "error_code": 429, "parameters": {"retry_after": 2}})),
        ("telegram", Refused(502, b"bad gateway")),
        ("slack", Refused(429, b"", {"Retry-After": "2"})),
        ("slack", Refused(200, {"ok": False, "error": "internal_error"})),
        ("twilio", Refused(429, {"code": 20429})),
        ("twilio", Refused(503, b"")),
        ("messenger", Refused(400, {"error": {"code": 613}})),
        ("messenger", Refused(500, {"error": {"code": 1, "is_transient": True}})),
        ("telegram", "hang up"), ("messenger", 3.0),
    ],
)  # fmt: skip
def test_a_failed_send_is_tried_again(bot: Bot, platform: str, fault: Any) -> None:
    """Too many requests, a server's error, a broken line, a slow answer: one message, as soon as may be."""
    user = new_user(platform)
    bot.platforms.faults[platform].append(fault)
    began = time.monotonic()
    sent = bot.answer(platform, "does it hurt?", user)
    bot.platforms.refused.clear()

    assert "Sources:" in sent.text
    assert len(bot.platforms.to(platform, user)) == 1
    if isinstance(fault, Refused) and (fault.headers or "parameters" in str(fault)):
        assert sent.at - began >= 2
    bot.server.wait_for(lambda: bot.server.call("GET", f"/webhooks/{platform}/")[2]["status"] == "ok", 10)


NOT_REACHED = [
    ("telegram", Refused(403, {"ok": False, "error_code": 403, "description": "blocked"}), "telegram 403"),
    ("slack", Refused(200, {"ok": False, "error": "channel_not_found"}), "slack channel_not_found"),
    ("twilio", Refused(400, {"code": 21610}), "twilio 21610"),
    ("messenger", Refused(400, {"error": {"code": 551}}), "messenger 551"),
]
WRONG = [
    ("telegram", Refused(401, {"ok": False, "error_code": 401}), "telegram 401"),
    ("slack", Refused(200, {"ok": False, "error": "invalid_auth"}), "slack invalid_auth"),
    ("twilio", Refused(401, {"code": 20003}), "twilio 20003"),
    ("messenger", Refused(400, {"error": {"code": 190}}), "messenger 190"),
]


@pytest.mark.parametrize(("platform", "fault", "reason"), NOT_REACHED + WRONG)
def test_a_send_that_can_never_work_is_logged_without_words(
    bot: Bot, platform: str, fault: Refused, reason: str
) -> None:
    """It is tried once; log and health say what the platform said, and no word and no name of the user.

    The channel counts as failing where it can't work, and not where only this user can't be reached.
    """
    theirs = (platform, fault, reason) in NOT_REACHED
    user = new_user(platform)
    before = bot.server.call("GET", f"/webhooks/{platform}/")[2]
    bot.platforms.faults[platform].append(fault)
    bot.say(platform, "does the quagga hurt?", user)
    counted = "not_reached" if theirs else "failed"

    def told() -> bool:
        return bot.server.call("GET", f"/webhooks/{platform}/")[2][counted] == before[counted] + 1

    bot.server.wait_for(told, 20)
    status, _, report = bot.server.call("GET", f"/webhooks/{platform}/")
    bot.platforms.refused.clear()
    log = (bot.server.folder / "log").read_text("utf-8")
    whole = bot.server.call("GET", "/chat/health")

    assert (status, report["status"]) == ((200, "ok") if theirs else (503, "failing"))
    assert report["last_failure"] == reason
    assert whole[2]["channels"][platform]["last_failure"] == reason
    assert reason in log
    assert "quagga" not in log and user not in log
    assert bot.platforms.to(platform, user) == []
    assert "Sources:" in bot.answer(platform, "does it hurt?").text
    assert bot.server.call("GET", f"/webhooks/{platform}/")[0] == 200


def test_a_red_flag_overtakes_what_cannot_be_sent(bot: Bot) -> None:
    """While a platform lets the last reply to a user wait, a red flag's card gets through, in any words."""
    for said in ("i cant breathe", "he keeps gasping and his lips went blue"):
        user = new_user("telegram")
        wait = {"ok": False, "error_code": 429, "parameters": {"retry_after": 25}}
        bot.platforms.faults["telegram"].append(Refused(429, wait))
        bot.say("telegram", "does it hurt?", user)
        bot.server.wait_for(lambda: not bot.platforms.faults["telegram"], 20)
        bot.say("telegram", "and how long does it take", user)
        bot.say("telegram", said, user)

        assert bot.answers("telegram", user, seconds=15)[0].text == EMERGENCY


def test_one_users_trouble_holds_up_nobody_else(bot: Bot) -> None:
    """While a message to one user can't be sent, others get theirs; the user's own keep their order."""
    slow, quick = new_user("telegram"), new_user("telegram")
    bot.platforms.faults["telegram"].append(4.0)
    bot.say("telegram", "does it hurt?", slow)
    time.sleep(0.5)
    bot.say("telegram", "thanks", slow)
    began = time.monotonic()
    bot.answer("telegram", "does it hurt?", quick)

    assert time.monotonic() - began < 3
    first, second = bot.answers("telegram", slow, 2)
    assert "Sources:" in first.text and "Sources:" not in second.text


# -- manners


@every_platform
@pytest.mark.parametrize(("said", "key"), [("/start", "greeting"), ("/help", "capabilities")])
def test_commands(bot: Bot, platform: str, said: str, key: str) -> None:
    """/start greets and /help says what can be asked, as on every other door."""
    assert NOTICES[key] in bot.answer(platform, said).text


@every_platform
@pytest.mark.parametrize("said", ["/delete", "delete", "Delete my data."])
def test_delete(bot: Bot, platform: str, said: str) -> None:
    """A user can delete what they said; what was talked about is forgotten with it."""
    user = new_user(platform)
    bot.answer(platform, "does it hurt?", user)
    gone = bot.answer(platform, said, user)
    after = bot.answer(platform, "and PRP?", user)
    environment = {**os.environ, "MESOGUIDE_DATA_FOLDER": str(bot.server.folder)}
    person = {"slack": f"T1 U{user[1:]}", "twilio": f"{user} whatsapp:+14155238886"}.get(platform, user)
    exported = subprocess.run(
        [sys.executable, "-m", "mesoguide", "export", platform, person], cwd=ROOT, env=environment,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    spoken = [event["text"] for event in json.loads(exported.stdout)["events"] if event["event"] == "user"]

    assert NOTICES["deleted"] in gone.text
    assert after.text
    assert spoken == ["and PRP?"]


def test_a_command_with_a_red_flag_gets_the_card(bot: Bot) -> None:
    """What stands behind a command is read like any other text."""
    for said in (
        "/start i want to kill myself",
        "/delete everything, i cant breathe",
        "/help my throat is closing",
    ):
        assert bot.answer("telegram", said).text in (EMERGENCY, NOTICES["self_harm"])


@pytest.mark.parametrize(
    "content",
    [
        {"sticker": {"emoji": "🙂", "file_id": "a"}}, {"voice": {"file_id": "a", "duration": 2}},
        {"photo": [{"file_id": "a", "width": 1, "height": 1}]}, {"location": {"latitude": 1.0, "longitude": 1.0}},
        {"contact": {"phone_number": "1", "first_name": "A"}}, {"dice": {"emoji": "🎲", "value": 1}},
    ],
)  # fmt: skip
def test_telegram_what_is_no_text(bot: Bot, content: dict[str, Any]) -> None:
    """A sticker, a voice message, a picture get the text that says that only words can be read."""
    user, number = new_user("telegram"), next(NUMBERS)
    update = make.telegram_message("", user, number)
    del update["message"]["text"]
    update["message"].update(content)
    bot.post("telegram", *make.telegram(update))

    assert NOTICES["empty"] in bot.answers("telegram", user)[0].text


@every_platform
def test_a_picture_is_answered_and_its_words_are_read(bot: Bot, platform: str) -> None:
    """Without words it gets the text that says so; a red flag under a picture gets its card."""
    bare, flagged = picture(platform, ""), picture(platform, "my lips are swelling and i cant breathe")

    assert NOTICES["empty"] in sent_for(bot, platform, *bare).text
    assert sent_for(bot, platform, *flagged).text == EMERGENCY


def picture(platform: str, words: str) -> tuple[str, tuple[bytes, dict[str, str]]]:
    user, number = new_user(platform), next(NUMBERS)
    if platform == "telegram":
        message = make.telegram_message("", user, number)
        del message["message"]["text"]
        message["message"] |= {"photo": [{"file_id": "a"}], **({"caption": words} if words else {})}
        return user, make.telegram(message)
    if platform == "slack":
        value = make.slack_message(words, user, number, subtype="file_share", files=[{"id": "F1"}])
        return user, make.slack(value)
    if platform == "twilio":
        fields = make.twilio_message(words, user, number, NumMedia="1", MediaUrl0="https://example.org/a")
        return user, make.twilio(fields)
    value = make.messenger_message(
        words, user, number, attachments=[{"type": "image", "payload": {"url": "x"}}]
    )
    if not words:
        del value["entry"][0]["messaging"][0]["message"]["text"]
    return user, make.messenger(value)


def sent_for(bot: Bot, platform: str, user: str, made: tuple[bytes, dict[str, str]]) -> Any:
    assert bot.post(platform, *made)[0] == 200
    return bot.answers(platform, user)[-1]


def in_group(text: str, **more: Any) -> tuple[str, dict[str, Any]]:
    """A Telegram group's message; return the group and the update."""
    number = next(NUMBERS)
    group = str(-1_000_000_000 - number)
    update = make.telegram_message(text, "77", number, chat={"id": int(group), "type": "supergroup"}, **more)
    return group, update


GROUP_TO_BOT = [
    {"text": "@mesoguide_bot does it hurt?", "entities": [{"type": "mention", "offset": 0, "length": 14}]},
    {"text": "/help@mesoguide_bot", "entities": [{"type": "bot_command", "offset": 0, "length": 19}]},
    {
        "text": "does it hurt?",
        "reply_to_message": {"message_id": 1, "from": {"id": 123456789, "is_bot": True}},
    },
]


@pytest.mark.parametrize("said", GROUP_TO_BOT)
def test_a_telegram_group_that_speaks_to_the_bot(bot: Bot, said: dict[str, Any]) -> None:
    """It is asked to write in private; health is nothing for a group."""
    group, update = in_group("")
    update["message"].update(said)
    bot.post("telegram", *make.telegram(update))
    sent = bot.answers("telegram", group)[0]

    assert NOTICES["private_only"] in sent.text
    assert sent.body["reply_parameters"]["message_id"] == update["message"]["message_id"]


QUIET = [
    {"text": "does it hurt?"},
    {"text": "@another_bot does it hurt?", "entities": [{"type": "mention", "offset": 0, "length": 12}]},
    {"text": "/start@another_bot", "entities": [{"type": "bot_command", "offset": 0, "length": 18}]},
    {"from": {"id": 5, "is_bot": True, "first_name": "B"}, "text": "@mesoguide_bot cant breathe"},
]


@pytest.mark.parametrize("said", QUIET)
def test_a_telegram_group_that_talks_among_itself(bot: Bot, said: dict[str, Any]) -> None:
    """The bot is silent, keeps nothing, and never answers another bot."""
    group, update = in_group("")
    update["message"].update(said)
    bot.post("telegram", *make.telegram(update))

    assert bot.quiet("telegram", group) == []


def test_a_red_flag_in_a_group_gets_its_card(bot: Bot) -> None:
    """Nobody has to speak to the bot first; nothing that was said is kept."""
    group, update = in_group("guys my throat is closing up after the jabs, zyzzyva")
    bot.post("telegram", *make.telegram(update))

    assert bot.answers("telegram", group)[0].text == EMERGENCY
    with sqlite3.connect(bot.server.folder / "conversations.db") as database:
        assert database.execute("select count(*) from events where data like '%zyzzyva%'").fetchone() == (0,)


def test_an_edit(bot: Bot) -> None:
    """An edited message is not answered again, but a red flag that was edited in gets its card."""
    quiet, flagged = new_user("telegram"), new_user("telegram")
    for user, text in ((quiet, "does it hurt a lot?"), (flagged, "i cant breathe")):
        update = make.telegram_message(text, user, next(NUMBERS))
        update["edited_message"] = update.pop("message")
        bot.post("telegram", *make.telegram(update))

    assert bot.answers("telegram", flagged)[0].text == EMERGENCY
    assert bot.quiet("telegram", quiet) == []


def test_a_telegram_start_link_and_an_inline_button(bot: Bot) -> None:
    """A mark behind /start is no question; an old inline button is a message like any other."""
    assert NOTICES["greeting"] in bot.answer("telegram", "/start flyer_2024").text
    user = new_user("telegram")
    pressed = {
        "id": "1",
        "from": {"id": 1},
        "data": "does it hurt?",
        "message": {"chat": {"id": int(user), "type": "private"}},
    }
    bot.post("telegram", *make.telegram({"update_id": next(NUMBERS), "callback_query": pressed}))

    assert "Sources:" in bot.answers("telegram", user)[0].text


def slack_event(text: str, channel: str, **more: Any) -> tuple[bytes, dict[str, str]]:
    return make.slack(make.slack_message(text, channel, next(NUMBERS), **more))


def test_slack_channels(bot: Bot) -> None:
    """A mention is asked to write in private, in its thread; talk gets silence; a red flag its card."""
    spoken, talk, flagged = (f"C{next(NUMBERS):08}" for _ in range(3))
    bot.post(
        "slack", *slack_event("<@UBOT> does it hurt?", spoken, channel_type="channel", type="app_mention")
    )
    bot.post("slack", *slack_event("does it hurt?", talk, channel_type="channel"))
    bot.post("slack", *slack_event("i cant breathe", flagged, channel_type="channel"))
    sent = bot.answers("slack", spoken)[0]

    assert NOTICES["private_only"] in sent.text
    assert sent.body["thread_ts"]
    assert bot.answers("slack", flagged)[0].text == EMERGENCY
    assert bot.quiet("slack", talk) == []


@pytest.mark.parametrize(
    "more",
    [
        {"bot_id": "B1"}, {"subtype": "bot_message"}, {"subtype": "channel_join"}, {"user": "UBOT"},
        {"subtype": "message_deleted", "user": None}, {"type": "reaction_added"},
    ],
)  # fmt: skip
def test_slack_machines_get_silence(bot: Bot, more: dict[str, Any]) -> None:
    """What another app, Slack or the bot itself wrote is not answered, whatever it says."""
    user = new_user("slack")
    bot.post("slack", *slack_event("i cant breathe", user, **more))

    assert bot.quiet("slack", user) == []


def test_slack_edits(bot: Bot) -> None:
    """An edit is watched for red flags; Slack's own change of a message (a link's page) is no edit."""
    flagged, quiet = new_user("slack"), new_user("slack")
    for user, edited in ((flagged, {"user": "U1", "ts": "2.2"}), (quiet, None)):
        message = {
            "type": "message",
            "user": "U1",
            "text": "i cant breathe",
            "ts": "1.1",
            **({"edited": edited} if edited else {}),
        }
        bot.post("slack", *slack_event("", user, subtype="message_changed", message=message, user=None))

    assert bot.answers("slack", flagged)[0].text == EMERGENCY
    assert bot.quiet("slack", quiet) == []


def test_slack_text_is_read_as_it_was_typed(bot: Bot) -> None:
    """Slack's marks and escapes are undone before a message is read."""
    sent = bot.answer("slack", "<@UBOT> i can&amp;t <https://x.example|breathe>, help")

    assert sent.text == EMERGENCY


@pytest.mark.parametrize(("command", "key"), [("/help", "capabilities"), ("/mesoguide-delete", "deleted")])
def test_slack_slash_commands(bot: Bot, command: str, key: str) -> None:
    """A slash command is answered to the user alone, wherever it was typed."""
    number = next(NUMBERS)
    user = f"U{number}"
    fields = {
        "command": command, "text": "", "user_id": user, "channel_id": "C123", "team_id": "T1",
        "trigger_id": f"13345224609.738474920.{number}",
    }  # fmt: skip
    bot.post("slack", *make.slack(fields, kind="application/x-www-form-urlencoded"))

    assert NOTICES[key] in bot.answers("slack", user)[0].text


def test_a_slash_command_deletes_what_was_said_to_the_app(bot: Bot) -> None:
    """A user has one conversation with the app, wherever the command is typed: another's chat, a channel."""
    channel = new_user("slack")
    user = f"U{channel[1:]}"
    bot.answer("slack", "does it hurt, says the xylophone?", channel)
    bot.post("slack", *make.slack({
        "command": "/mesoguide-delete", "text": "", "user_id": user, "channel_id": "D0OTHER", "team_id": "T1",
        "trigger_id": f"1.2.{next(NUMBERS)}",
    }, kind="application/x-www-form-urlencoded"))  # fmt: skip

    assert NOTICES["deleted"] in bot.answers("slack", user)[0].text
    with sqlite3.connect(bot.server.folder / "conversations.db") as database:
        assert database.execute("select count(*) from events where data like '%xylophone%'").fetchone() == (
            0,
        )


def test_sms_manners(bot: Bot) -> None:
    """Words that leave belong to Twilio on SMS; a machine's number gets silence; on WhatsApp all is answered."""
    leaving, short = f"+44770091{next(NUMBERS):04}", "60777"
    for user, text, more in (
        (leaving, "STOP", {}),
        (leaving, "hi", {"OptOutType": "HELP"}),
        (short, "hello", {}),
    ):
        assert (
            bot.post("twilio", *make.twilio(make.twilio_message(text, user, next(NUMBERS), **more)))[0] == 200
        )

    assert bot.answer("twilio", "stop", new_user("twilio")).text
    assert "Sources:" in bot.answer("twilio", "does it hurt?", f"+44770092{next(NUMBERS):04}").text
    assert bot.quiet("twilio", leaving) == bot.quiet("twilio", short) == []


def test_whatsapp_without_a_number(bot: Bot) -> None:
    """Somebody whose number WhatsApp hides is answered under the name that it gives."""
    assert (
        bot.answer("twilio", "i cant breathe", f"whatsapp:GB.1349120865530{next(NUMBERS)}").text == EMERGENCY
    )


def test_twilio_gets_an_empty_document(bot: Bot) -> None:
    """The webhook's answer is TwiML without a message: the reply is a call of its own."""
    status, headers, body = bot.post("twilio", *request("twilio", "thanks", new_user("twilio")))

    assert (status, headers["content-type"]) == (200, "text/xml")
    assert body.endswith(b"<Response/>")


def test_twilio_behind_a_proxy_with_a_query(bot: Bot) -> None:
    """The public address is what is signed, with the query that the request came with."""
    user = new_user("twilio")
    fields = make.twilio_message("does it hurt?", user, next(NUMBERS))
    sent = make.twilio(fields, address=make.PUBLIC + "?clinic=1")

    assert bot.post("twilio", *sent, query="?clinic=1")[0] == 200
    assert bot.answers("twilio", user)


def test_messenger_batches_and_machines(bot: Bot) -> None:
    """Each message of a batch is answered; echoes, receipts and reactions are not."""
    first, second, quiet = (new_user("messenger") for _ in range(3))
    value = make.messenger_message("does it hurt?", first, next(NUMBERS))
    entry = value["entry"][0]["messaging"]
    entry += make.messenger_message("i cant breathe", second, next(NUMBERS))["entry"][0]["messaging"]
    entry += make.messenger_message("i cant breathe", quiet, next(NUMBERS), is_echo=True, app_id=1)["entry"][
        0
    ]["messaging"]
    entry += [
        {"sender": {"id": quiet}, "read": {"watermark": 1}}, {"sender": {"id": quiet}, "delivery": {"watermark": 1}},
        {"sender": {"id": quiet}, "timestamp": 1, "reaction": {"action": "react", "mid": "m"}},
    ]  # fmt: skip
    bot.post("messenger", *make.messenger(value))

    assert "Sources:" in bot.answers("messenger", first)[0].text
    assert bot.answers("messenger", second)[0].text == EMERGENCY
    assert bot.quiet("messenger", quiet) == []


@pytest.mark.parametrize(
    ("payload", "key"), [("/start", "greeting"), ("/delete", "deleted"), ("GET_STARTED", "greeting")]
)
def test_messenger_menu(bot: Bot, payload: str, key: str) -> None:
    """The Get Started button and the menu's lines do what they say."""
    user = new_user("messenger")
    event = {
        "sender": {"id": user},
        "recipient": {"id": "1"},
        "timestamp": next(NUMBERS),
        "postback": {"title": "x", "payload": payload},
    }
    bot.post("messenger", *make.messenger({"object": "page", "entry": [{"messaging": [event]}]}))

    assert NOTICES[key] in bot.answers("messenger", user)[0].text


def test_two_machines_that_answer_each_other_come_to_an_end(own_bot: Bot) -> None:
    """Beyond so many messages a minute a sender is told once, then gets silence; a red flag still its card."""
    own_bot.server.settings["website_messages_a_minute"] = "3"
    own_bot.server.environment = {**own_bot.server.environment, "MESOGUIDE_WEBSITE_MESSAGES_A_MINUTE": "3"}
    own_bot.server.start()
    user = new_user("telegram")
    for _ in range(8):
        own_bot.say("telegram", "thanks", user)
    own_bot.answers("telegram", user, 4)
    own_bot.say("telegram", "he keeps gasping and his lips went blue", user)
    found = own_bot.answers("telegram", user, 5)

    assert [sent.text for sent in found[3:]] == [NOTICES["error"], EMERGENCY]


def test_an_echo_of_our_own_card_comes_to_an_end(bot: Bot) -> None:
    """A machine that sends our card back gets it a few times and no more; a new red flag still its card."""
    user = new_user("telegram")
    first = bot.answer("telegram", "i cant breathe", user).text
    for _ in range(8):
        bot.say("telegram", f"Auto reply: {first}", user)
    bot.say("telegram", "i want to kill myself", user)
    bot.answers("telegram", user, 5)
    found = bot.quiet("telegram", user)

    assert len(found) == 5
    assert found[-1].text == NOTICES["self_harm"]


def test_a_group_can_not_make_the_bot_post_without_end(bot: Bot) -> None:
    """Who speaks to the bot in a group again and again is told a few times to write to it alone."""
    group, _ = in_group("")
    for _ in range(12):
        _, update = in_group("")
        update["message"].update(GROUP_TO_BOT[0])
        update["message"]["chat"]["id"] = int(group)
        bot.post("telegram", *make.telegram(update))
    bot.answers("telegram", group, 5)

    assert len(bot.quiet("telegram", group)) == 5


# -- setting it up


def channels(bot: Bot, *more: str, **variables: str) -> tuple[int, str]:
    environment = {
        **os.environ,
        **make.VARIABLES,
        "MESOGUIDE_CREDENTIALS": bot.server.settings["credentials"],
        **variables,
    }
    done = subprocess.run(
        [sys.executable, "-m", "mesoguide", "channels", *more], cwd=ROOT, env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_make_channels_says_what_is_missing_and_sends_nothing(own_bot: Bot) -> None:
    """Complete: all on. A variable missing or wrong: file, line, mend, and a failure; no call is made."""
    good, wrong = channels(own_bot), channels(own_bot, TELEGRAM_SECRET_TOKEN="short", SLACK_TOKEN="")

    assert good == (0, "".join(f"{name}: on\n" for name in PLATFORMS))
    assert wrong[0] == 1
    assert "credentials.yml:11: error: 'secret_token' can't be right" in wrong[1]
    assert "the environment has no SLACK_TOKEN" in wrong[1]
    assert own_bot.platforms.called == []


def test_registering(own_bot: Bot) -> None:
    """Telegram and Messenger are told the address and the menu by one command."""
    code, text = channels(own_bot, "--register", "https://bot.clinic.example")

    assert code == 0, text
    assert [what.rsplit("/", 1)[-1] for _, what in own_bot.platforms.called] == [
        "setWebhook", "setMyCommands", "messenger_profile",
    ]  # fmt: skip


def test_a_server_does_not_start_with_a_credential_missing(own_bot: Bot) -> None:
    """The start names the file, the line and the mend, and no secret."""
    own_bot.server.environment = {**own_bot.server.environment, "MESSENGER_SECRET": ""}
    own_bot.server.start(wait=False)
    own_bot.server.process.wait(60)
    log = (own_bot.server.folder / "log").read_text("utf-8")

    assert own_bot.server.process.returncode == 1
    assert "credentials.yml:" in log and "the environment has no MESSENGER_SECRET" in log
    assert "Traceback" not in log
    assert not any(value in log for name, value in make.VARIABLES.items() if name != "TELEGRAM_USERNAME")
