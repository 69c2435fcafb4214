"""Nothing leaves the machine, and no log holds a word of a user's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mesoguide.settings import ROOT
from tests.production.conftest import MUST_HAVE_SERVERS, Server
from tests.website.conftest import new_id

pytestmark = pytest.mark.slow

WATCH = """
import os, sys
def watch(event, given):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        with open(os.environ["MESOGUIDE_CALLS"], "a") as file:
            print(os.getpid(), event, repr(given[1:] if event in ("socket.connect", "socket.sendto") else given), file=file)
sys.addaudithook(watch)
"""
"""Put before every Python process of the product: writes down whom it calls."""

WHOLE = """
import fcntl, json, os, signal, socket, struct, subprocess, sys, time, urllib.request

lo = struct.pack("16sH14s", b"lo", 1 | 64, b"")
with socket.socket() as line:
    fcntl.ioctl(line, 0x8914, lo)  # the loopback device of this network of its own, up
with socket.socket() as probe:
    try:
        probe.connect(("192.0.2.1", 80))
        sys.exit("there is a network")
    except OSError:
        pass

def call(method, path, body=None, token=""):
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:5005{path}", data, headers, method=method), timeout=60) as answer:
        return json.loads(answer.read())

server = subprocess.Popen([sys.executable, "-m", "mesoguide", "web"], stderr=subprocess.DEVNULL)
for _ in range(600):
    time.sleep(0.2)
    try:
        call("GET", "/chat/health")
        break
    except OSError:
        assert server.poll() is None
token = call("POST", "/chat/session", {})["token"]
replies = []
for number, text in enumerate(["does it hurt?", "how much is it?", "i cant breathe", "hola, me duele?", "and after that?"]):
    replies.append(call("POST", "/chat/messages", {"id": f"message-{number}", "text": text}, token)["reply"]["kind"])
call("GET", "/chat/history", token=token)
call("DELETE", "/chat/conversation", token=token)
server.send_signal(signal.SIGTERM)
server.wait(30)
asked = subprocess.run([sys.executable, "-m", "mesoguide", "ask", "does it hurt?"], capture_output=True, text=True, check=True)
print(json.dumps({"replies": replies, "asked": asked.stdout}))
"""


def test_nothing_leaves_the_machine(model: Path, tmp_path: Path) -> None:
    """In a network of its own without any way out the whole product works, and calls nobody else.

    Website and command: a question, a price, a red flag, another language, a follow-up, history, deletion.
    """
    alone = ["unshare", "--map-root-user", "--net"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        if os.environ.get(MUST_HAVE_SERVERS):
            pytest.fail("no network of its own can be made: unshare does not work here")
        pytest.skip("no network of its own can be made here (unshare)")
    (tmp_path / "sitecustomize.py").write_text(WATCH, "utf-8")
    (tmp_path / "home").mkdir()
    calls = tmp_path / "calls"
    environment = {
        **os.environ,
        "PYTHONPATH": str(tmp_path),
        "HOME": str(tmp_path / "home"),  # a new user: Rasa's own default is to send telemetry
        "RASA_TELEMETRY_ENABLED": "true",
        "MESOGUIDE_CALLS": str(calls),
        "MESOGUIDE_DATA_FOLDER": str(tmp_path),
        "MESOGUIDE_WEBSITE_PORT": "5005",
    }
    done = subprocess.run(
        [*alone, sys.executable, "-c", WHOLE], cwd=ROOT, env=environment, capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    called = calls.read_text("utf-8").splitlines()
    elsewhere = [line for line in called if "127.0.0.1" not in line and "'192.0.2.1'" not in line]

    assert found["replies"][:3] == ["answer", "answer", "safety"]
    assert "error" not in found["replies"]
    assert "The guide says" in found["asked"]
    assert sum("192.0.2.1" in line for line in called) == 1  # our own probe: the watch works
    assert elsewhere == []


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_word_of_a_user_is_in_any_log(model: Path, tmp_path: Path, form: str) -> None:
    """Whatever fails (action server, disk, bodies, a slash command), the log has kinds of errors and no words.

    As JSON each line can be read, and each turn has one, with a hashed name.
    """
    server = Server(tmp_path, {"logs": form, "action_server": "http://127.0.0.1:9/webhook"})
    server.start()
    try:
        token = server.session()
        for text in (
            "does it hurt zzqword?",
            '/zzqword{"zzqword": 1}',
            "i cant breathe zzqword",
            "zzqword " * 600,
        ):
            server.call("POST", "/chat/messages", {"id": new_id(), "text": text}, token)
        for body in (b'{"id": "zzqword', b'{"text": "zzqword"}', b"\xff\xfezzqword"):
            server.call("POST", "/chat/messages", body, token)
        server.call("GET", "/chat/history?zzqword", token="zzqword" * 9)
        server.fill_disk(20_000)
        server.call("POST", "/chat/messages", {"id": new_id(), "text": "does it hurt zzqword?"}, token)
    finally:
        server.stop()
    log = (tmp_path / "log").read_text("utf-8")
    written = [line for line in log.splitlines() if not line.startswith("mesoguide: ")]

    assert "zzqword" not in log
    assert token not in log
    assert "Traceback" not in log
    assert any("action_reply failed" in line for line in written)
    if form == "json":
        assert [line for line in written if not line.startswith("{")] == []
        lines = [json.loads(line) for line in written]
        turns = [line for line in lines if line["event"] == "turn"]
        assert {line["kind"] for line in turns} >= {"error", "safety"}
        assert all(
            line["conversation"].startswith("website-") and line["milliseconds"] >= 0 for line in turns
        )
