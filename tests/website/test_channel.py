"""The website channel over real HTTP: sessions, retries, limits, refusals, deleting, hostile bytes."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mesoguide.settings import ROOT
from mesoguide.website.requests import LONGEST_TEXT, MOST_BYTES
from tests.samples import KNOWLEDGE
from tests.website.conftest import Server, new_id

ERROR_START = KNOWLEDGE.notices["error"][:30]
LIVING = ("GET", "/chat/health")


def rows(server: Server, table: str = "events") -> int:
    with sqlite3.connect(server.folder / "conversations.db") as database:
        return int(database.execute(f"select count(*) from {table}").fetchone()[0])


def raw(server: Server, sent: bytes, *, seconds: float = 5) -> bytes:
    """Send bytes as they are; return what comes back until the server is silent or closes."""
    found = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=seconds) as line:
        try:
            line.sendall(sent)
            while part := line.recv(65536):
                found += part
        except OSError:
            pass
    return found


# -- talking


def test_a_reply_is_the_same_as_on_every_other_door(server: Server) -> None:
    """The website's reply is the object that `mesoguide ask` gives, with its lines and numbers beside."""
    numbers = {f"MESOGUIDE_{name.upper()}": value for name, value in server.settings.items()}
    command = [sys.executable, "-m", "mesoguide", "ask", "--jsonl"]
    asked = ["does it hurt?", "and PRP?", "where are you", "cant breathe", "hola, cuanto cuesta esto para mi"]
    done = subprocess.run(
        command, input=json.dumps({"id": 1, "messages": asked}), cwd=ROOT, text=True,
        capture_output=True, check=True, env={**os.environ, **numbers},
    )  # fmt: skip
    token = server.session()
    found = [server.say(token, text) for text in asked]

    assert {*found[0]} == {"id", "from", "reply", "blocks", "calls"}
    assert [message["reply"] for message in found] == json.loads(done.stdout)["replies"]


def test_a_conversation_goes_on(server: Server) -> None:
    """A follow-up is understood by what was asked before, and history shows both sides."""
    token = server.session()
    server.say(token, "does it hurt?")
    more = server.say(token, "and PRP?")
    status, _, history = server.call("GET", "/chat/history", token=token)

    assert more["reply"]["topics"] == ["compare_prp"]
    assert status == 200
    assert [message["from"] for message in history["messages"]] == ["user", "bot", "user", "bot"]
    assert history["messages"][3]["reply"] == more["reply"]
    assert history["messages"][3]["blocks"] == more["blocks"]


def test_a_card_carries_its_numbers(server: Server) -> None:
    """A red flag's card comes with the clinic's numbers, ready to be dialled."""
    found = server.say(server.session(), "i want to kill myself")

    assert (found["reply"]["tier"], [call["link"] for call in found["calls"]]) == (
        "self_harm", ["tel:999", "tel:116123"],
    )  # fmt: skip


def test_a_retry_makes_no_second_turn(server: Server) -> None:
    """The same id and text again, even at once, gives the same reply and one turn."""
    token, name = server.session(), new_id()
    with ThreadPoolExecutor(5) as pool:
        replies = list(pool.map(lambda _: server.say(token, "does it hurt?", name), range(5)))
    history = server.call("GET", "/chat/history", token=token)[2]["messages"]

    assert all(reply == replies[0] for reply in replies)
    assert len(history) == 2


def test_the_same_id_with_other_words_is_another_message(server: Server) -> None:
    """A red flag under an id that was used before is not answered with the old reply."""
    token, name = server.session(), new_id()
    server.say(token, "does it hurt?", name)

    assert server.say(token, "my throat is closing up", name)["reply"]["tier"] == "emergency"


@pytest.mark.parametrize(
    "text", ["/restart", "/session_start", '/greet{"memory": {"reminders": 9}}', "/cost", "EXTERNAL: x", "/"]
)
def test_free_text_triggers_nothing(server: Server, text: str) -> None:
    """A slash command is a text like any other: no intent, no slot, no restart."""
    token = server.session()
    server.say(token, "does it hurt?")
    found = server.say(token, text)
    after = server.say(token, "says who?")

    assert found["reply"]["text"]
    assert after["reply"]["topics"] in (["pain"], found["reply"]["topics"])
    assert "reminder" not in after["reply"]["notices"]


# -- whose conversation it is


@pytest.mark.parametrize("token", ["", "x", "A" * 32 + "." + "A" * 43, "default", "../..", "Bearer"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("POST", "/chat/messages", {"id": "abcdefgh", "text": "hi"}), ("GET", "/chat/history", None),
     ("DELETE", "/chat/conversation", None), ("POST", "/chat/feedback", {"id": "abcdefgh", "value": 1})],
)  # fmt: skip
def test_nobody_gets_in_without_a_token(
    server: Server, token: str, method: str, path: str, body: Any
) -> None:
    """A made-up token opens nothing; the refusal still carries the fixed text."""
    status, headers, found = server.call(method, path, body, token)

    assert status == 401
    assert headers["content-type"] == "application/json"
    assert found["message"]["reply"]["kind"] == "error"


def test_conversations_are_apart(server: Server) -> None:
    """What one visitor asked is not in another's history, nor in another's follow-up."""
    first, second = server.session(), server.session()
    server.say(first, "does it hurt?")

    assert server.call("GET", "/chat/history", token=second)[2] == {"messages": []}
    assert server.say(second, "tell me more")["reply"]["topics"] == []


def test_the_database_holds_no_token(server: Server) -> None:
    """Whoever reads the database can't go on with a conversation."""
    token = server.session()
    server.say(token, "does it hurt?")
    kept = b"".join(file.read_bytes() for file in server.folder.glob("conversations.db*"))

    assert token.split(".")[0].encode() not in kept
    assert (server.folder / "conversations.db").stat().st_mode & 0o077 == 0


def test_deleting_removes_every_row(server: Server) -> None:
    """Delete says how many rows went, and none of the conversation is left, thumbs included."""
    token = server.session()
    word = f"zzqword{new_id()}"
    found = server.say(token, f"does it hurt {word}")
    thumb = {"id": found["id"], "value": -1, "reason": "unclear"}
    assert server.call("POST", "/chat/feedback", thumb, token)[2] == {"kept": True}
    before = rows(server) + rows(server, "thumbs")
    status, _, answer = server.call("DELETE", "/chat/conversation", token=token)
    after = rows(server) + rows(server, "thumbs")

    assert (status, answer["deleted"]) == (200, True)
    assert before - after == answer["rows"] > 1
    assert server.call("GET", "/chat/history", token=token)[2] == {"messages": []}
    assert not [
        file for file in server.folder.glob("conversations.db*") if word.encode() in file.read_bytes()
    ]


def test_a_second_thumb_takes_the_first_ones_place(server: Server) -> None:
    """A user who changes their mind is counted once."""
    token = server.session()
    found = server.say(token, "does it hurt?")
    before = rows(server, "thumbs")
    for value in (1, -1, 1):
        server.call("POST", "/chat/feedback", {"id": found["id"], "value": value}, token)

    assert rows(server, "thumbs") == before + 1


# -- refusals


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"{", b'{"id": "abcdefgh", "text": 5}', b'{"id": 1, "text": "a"}', b"\x00" * 50,
     b"[" * 60_000, b'{"id": "abcdefgh", "text": "a"'],
    ids=lambda body: str(body)[:20],
)  # fmt: skip
def test_a_bad_body_gets_400_with_json(server: Server, body: bytes) -> None:
    """What can't be read is refused as JSON, never with 200 and nothing."""
    status, _, found = server.call("POST", "/chat/messages", body, server.session())

    assert status == 400
    assert found["error"]
    assert found["message"]["reply"]["text"].startswith(ERROR_START)


def test_a_message_that_is_too_long_gets_413(server: Server) -> None:
    """A text over the limit is refused; a red flag in it gets its card all the same."""
    body = {"id": new_id(), "text": "i cant breathe. " + "word " * LONGEST_TEXT}
    status, _, found = server.call("POST", "/chat/messages", body, server.session())
    huge = server.call("POST", "/chat/messages", b" " * (MOST_BYTES + 1), server.session())

    assert (status, found["message"]["reply"]["tier"]) == (413, "emergency")
    assert (huge[0], huge[2]["message"]["reply"]["kind"]) == (413, "error")


def test_a_message_of_5000_characters_is_answered(server: Server) -> None:
    """The longest message that is taken gets a reply, and a red flag in its middle is found."""
    text = ("We came by train and had lunch. " * 90) + "Now I can't breathe. "
    text += "It rained. " * ((LONGEST_TEXT - len(text)) // 11)

    assert server.say(server.session(), text)["reply"]["tier"] == "emergency"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("\ud83d", None), ("a\u0000b", None), ("\u202e\u200b", None), ("\ud83d cant breathe", "emergency")],
)
def test_strange_characters_are_answered(server: Server, text: str, expected: str | None) -> None:
    """Lone surrogates, NUL and invisible marks get one whole reply."""
    assert server.say(server.session(), text)["reply"]["tier"] == expected


HOSTILE = [
    b"\x00\xff\xfe\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"POST /chat/messages HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
    b"POST /chat/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 104857600\r\n\r\n" + b"a" * 200_000,
    b"POST /chat/messages HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n"
    + b"a" * 200_000,
    b"POST /chat/messages HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET /chat/history HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \xff\xfe\x00\r\n\r\n",
    b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
    b"GET /chat/../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /chat/%00%ff%c0%ae HTTP/1.1\r\nHost: a\r\n\r\n",
    b"DELETE /chat/messages HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /chat/session HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{}",
]


@pytest.mark.parametrize("sent", HOSTILE, ids=lambda sent: str(sent)[:40])
def test_hostile_bytes_end_nothing(server: Server, sent: bytes) -> None:
    """Whatever bytes come, the process lives, other visitors are served, and nothing is a 500."""
    found = raw(server, sent, seconds=3)

    assert b" 500 " not in found[:20]
    assert b"Traceback" not in found
    assert server.call(*LIVING)[0] == 200


def test_half_a_request_holds_up_nobody(server: Server) -> None:
    """Twenty visitors who stop in the middle of a request do not stop another one."""
    lines = []
    for _ in range(20):
        line = socket.create_connection(("127.0.0.1", server.port))
        line.sendall(b"POST /chat/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n{")
        lines.append(line)
    try:
        assert server.say(server.session(), "does it hurt?")["reply"]["topics"] == ["pain"]
    finally:
        for line in lines:
            line.close()


@pytest.fixture(scope="module")
def visitor(server: Server) -> str:
    """A token for the test that makes hundreds of requests."""
    return server.session()


TEXTS = st.one_of(st.text(max_size=60), st.from_regex(r"[\x00-\x7f]{0,40}", fullmatch=True))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=8,
)
BODIES = st.one_of(
    st.binary(max_size=200),
    VALUES.map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries(
        {"id": st.one_of(VALUES, st.just("abcdefgh1")), "text": VALUES, "value": VALUES}
    ).map(lambda value: json.dumps(value).encode()),
)
ROUTES = st.sampled_from(
    ["/chat/session", "/chat/messages", "/chat/history", "/chat/conversation", "/chat/feedback", "/chat/health",
     "/chat/config", "/chat/widget.js", "/chat/", "/chat/frame", "/", "/chat/nothing"]
)  # fmt: skip


@settings(
    max_examples=200, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(st.sampled_from(["GET", "POST", "DELETE", "PUT", "OPTIONS", "HEAD"]), ROUTES, BODIES, st.booleans())
def test_no_request_is_a_server_error(
    server: Server, visitor: str, method: str, path: str, body: bytes, known: bool
) -> None:
    """Over every route, method and body: never a server error, and errors are JSON with a reply."""
    status, headers, found = server.call(method, path, body, visitor if known else "")

    assert status < 500
    assert headers["x-content-type-options"] == "nosniff"
    if status >= 400 and method != "HEAD":
        assert found["error"]
        assert found["message"]["reply"]["text"]


# -- who may call


def test_cors_is_a_list(own_server: Server) -> None:
    """A page on the list may call, with exactly its own address; any other is refused."""
    own_server.settings = {"website_origins": "https://www.clinic.example"}
    own_server.start()

    def asked(origin: str, method: str = "POST") -> tuple[int, dict[str, str], Any]:
        return own_server.call(method, "/chat/session", {}, headers={"Origin": origin})

    for method in ("POST", "OPTIONS"):
        status, headers, _ = asked("https://www.clinic.example", method)
        assert status < 300
        assert headers["access-control-allow-origin"] == "https://www.clinic.example"
        assert "access-control-allow-credentials" not in headers
    for origin in (
        "https://evil.example", "null", "https://www.clinic.example.evil.example", "http://www.clinic.example",
        "https://www.clinic.example:444",
    ):  # fmt: skip
        status, headers, found = asked(origin)
        assert (status, "access-control-allow-origin" in headers) == (403, False)
        assert found["error"]
    assert asked(own_server.address)[0] == 200
    page = own_server.call("GET", "/chat/")[1]["content-security-policy"]
    assert "frame-ancestors 'self' https://www.clinic.example" in page


def test_limits_hold_behind_a_proxy_too(own_server: Server) -> None:
    """One visitor's messages are limited; behind a proxy, visitors are told apart by their address."""
    own_server.settings = {"website_messages_a_minute": "5", "website_proxies": "1"}
    own_server.start()
    token = own_server.session()
    answers = [
        own_server.call("POST", "/chat/messages", {"id": new_id(), "text": text}, token)
        for text in ["hello"] * 5 + ["i cant breathe"]
    ]

    assert [status for status, _, _ in answers] == [200] * 5 + [429]
    assert int(answers[5][1]["retry-after"]) >= 1
    assert answers[5][2]["message"]["reply"]["tier"] == "emergency"
    assert own_server.say(own_server.session(), "hello")["reply"]["text"]

    def opened(address: str) -> list[int]:
        return [
            own_server.call("POST", "/chat/session", {}, headers={"X-Forwarded-For": address})[0]
            for _ in range(70)
        ]

    assert 429 in opened("203.0.113.7")
    assert opened("203.0.113.8")[0] == 200


@pytest.mark.parametrize(("proxies", "last"), [("0", ""), ("1", ", 203.0.113.7")])
def test_a_made_up_address_evades_no_limit(own_server: Server, proxies: str, last: str) -> None:
    """Whoever writes another address into each request is still one caller.

    Without a proxy what they write is not read; behind one only what the proxy wrote last counts.
    """
    own_server.settings = {"website_proxies": proxies}
    own_server.start()
    opened = [
        own_server.call("POST", "/chat/session", {}, headers={"X-Forwarded-For": f"198.51.100.{n}{last}"})[0]
        for n in range(70)
    ]

    assert opened.count(200) < 65
    assert opened[-1] == 429


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/version"), ("GET", "/status"), ("GET", "/domain"), ("POST", "/model/parse"), ("POST", "/model/train"),
     ("PUT", "/model"), ("GET", "/conversations/default/tracker"), ("POST", "/conversations/default/execute"),
     ("POST", "/webhooks/rest/webhook"), ("GET", "/webhooks/rest/"), ("GET", "/socket.io/?EIO=4&transport=polling"),
     ("GET", "/webhooks/telegram/set_webhook"), ("POST", "/webhook"), ("GET", "/actions")],
)  # fmt: skip
def test_rasas_own_addresses_are_not_there(server: Server, method: str, path: str) -> None:
    """What Rasa would serve to anybody (its API, open channels, actions) does not exist here."""
    status, _, found = server.call(method, path, {"sender": "default", "message": "hi"})

    assert (status, found["error"]) == (404, "there is nothing at this address")


def test_no_cache_keeps_a_conversation(server: Server) -> None:
    """Token, replies, history, export, deletion and refusals may be stored by nobody on the way."""
    token = server.session()
    body = {"id": new_id(), "text": "does it hurt?"}
    answers = [
        server.call("POST", "/chat/session", {}),
        server.call("POST", "/chat/messages", body, token),
        server.call("POST", "/chat/messages", body, "made-up"),
        server.call("GET", "/chat/history", token=token),
        server.call("GET", "/chat/export", token=token),
        server.call("DELETE", "/chat/conversation", token=token),
    ]

    assert [status for status, _, _ in answers] == [200, 200, 401, 200, 200, 200]
    assert {headers["cache-control"] for _, headers, _ in answers} == {"no-store"}


# -- when something is away


def test_an_action_server_that_is_away_gives_the_error_text(own_server: Server) -> None:
    """With its action server away a question gets the error text, and a red flag its card."""
    own_server.settings = {"action_server": "http://127.0.0.1:9/webhook"}
    own_server.start()
    token = own_server.session()

    assert own_server.say(token, "does it hurt?")["reply"]["kind"] == "error"
    assert own_server.say(token, "my throat is closing up")["reply"]["tier"] == "emergency"


def test_a_conversation_outlives_the_process(own_server: Server) -> None:
    """After the process was killed and started again, the token still opens its conversation."""
    own_server.start()
    token = own_server.session()
    own_server.say(token, "does it hurt?")
    own_server.stop(9)
    own_server.start()

    assert len(own_server.call("GET", "/chat/history", token=token)[2]["messages"]) == 2
    assert own_server.say(token, "why?")["reply"]["topics"] == ["pain"]


def test_a_taken_port_is_said_in_one_sentence(server: Server, own_server: Server) -> None:
    """A second server on the same port ends at once and says what to do."""
    own_server.port = server.port
    own_server.start(wait=False)

    assert own_server.process.wait(60) == 1
    assert "is taken" in (own_server.folder / "log").read_text()


def test_many_visitors_at_once_are_all_answered(server: Server) -> None:
    """Twenty visitors who ask at the same time all get their own answer; the script is served meanwhile."""
    questions = {
        "does it hurt?": "pain",
        "how many sessions?": "session_count",
        "is it safe?": "safety",
        "cost": "cost",
    }
    scripts: list[int] = []
    done = threading.Event()

    def load_script() -> None:
        while not done.is_set():
            scripts.append(server.call("GET", "/chat/widget.js")[0])
            time.sleep(0.02)

    def visit(number: int) -> bool:
        token = server.session()
        text, topic = list(questions.items())[number % len(questions)]
        return all(server.say(token, text)["reply"]["topics"] == [topic] for _ in range(3))

    loader = threading.Thread(target=load_script)
    loader.start()
    with ThreadPoolExecutor(20) as pool:
        right = list(pool.map(visit, range(20)))
    done.set()
    loader.join()

    assert all(right)
    assert set(scripts) == {200}


@pytest.mark.parametrize(
    "path", ["/chat/widget.js", "/chat/", "/chat/config", "/chat/health", "/nothing", "/"]
)
def test_security_headers_are_on_every_answer(server: Server, path: str) -> None:
    """Every answer forbids guessing its type and passes no address on; nothing tells a version."""
    _, headers, found = server.call("GET", path)

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "rasa" not in str(found).lower()
    assert not {"server", "x-powered-by"} & set(headers)


def test_the_script_is_packed_and_cached(server: Server) -> None:
    """The script comes gzipped with a strong mark, and costs nothing when it did not change."""
    _, headers, _ = server.call("GET", "/chat/widget.js", headers={"Accept-Encoding": "gzip"})
    again = server.call("GET", "/chat/widget.js", headers={"If-None-Match": headers["etag"]})

    assert headers["content-encoding"] == "gzip"
    assert (again[0], again[2]) == (304, b"")
