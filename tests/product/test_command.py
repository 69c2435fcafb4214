"""The command line as a user meets it, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

from mesoguide.settings import ROOT
from tests.website.conftest import free_port, listens_on

MODEL = ROOT / "models" / "mesoguide.tar.gz"


def run(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "mesoguide", *arguments]
    return subprocess.run(command, cwd=ROOT, input=given, capture_output=True, check=False, timeout=240)


@pytest.fixture(scope="module")
def answered(model) -> subprocess.CompletedProcess[bytes]:
    """Four conversations, two of them broken lines."""
    good = {"id": "q1", "messages": ["does it hurt?", "and how many times do I have to go?"]}
    lines = [
        json.dumps(good),
        "no json",
        json.dumps({"id": 7, "messages": "x"}),
        json.dumps({"id": None, "messages": []}),
    ]
    return run("ask", "--jsonl", given="\n".join(lines).encode())


def test_ask_jsonl_answers_line_by_line(answered) -> None:
    """One line out for each line in, with id and one reply for each message."""
    first, second, third, fourth = map(json.loads, answered.stdout.splitlines())

    assert first["id"] == "q1"
    assert [reply["topics"] for reply in first["replies"]] == [["pain"], ["session_count"]]
    assert "line 2" in second["error"]
    assert third["id"] == 7
    assert fourth["replies"] == []
    assert answered.returncode == 1


def test_nothing_but_the_answers_is_printed(answered) -> None:
    """No warning, trace or debug line of Rasa's reaches the user."""
    assert answered.stderr == b""


def test_one_message(model) -> None:
    """`mesoguide ask "…"` prints the reply as the terminal shows it."""
    done = run("ask", "does it hurt?")

    assert done.returncode == 0
    assert "painless" in done.stdout.decode()
    assert done.stderr == b""


def test_terminal_conversation(model) -> None:
    """The terminal greets as a bot, answers, takes a number as a suggestion, and ends quietly."""
    done = run("chat", given=b"does it hurt?\n1\n/stop\n")
    text = done.stdout.decode()

    assert done.returncode == 0
    assert "not a doctor" in text
    assert "{" not in text
    assert "painless" in text
    assert "side effects" in text
    assert done.stderr.decode().strip() == "mesoguide: starting …"


def test_rasa_finds_no_fault_with_the_data(model) -> None:
    """`rasa data validate --fail-on-warnings` passes."""
    done = run("rasa", "data", "validate", "--fail-on-warnings")

    assert done.returncode == 0, done.stderr.decode()[-2000:]


def test_rasa_test_passes_on_the_stories(model, assistant, tmp_path) -> None:
    """Rasa's own test of the stories predicts every action."""
    import asyncio

    from rasa.core.test import test as rasa_test

    # Rasa takes a file for test stories by its name.
    stories = tmp_path / "test_stories.yml"
    stories.write_text((ROOT / "data" / "stories.yml").read_text("utf-8"), "utf-8")
    report = asyncio.run(
        rasa_test(str(stories), assistant._agent, e2e=True, out_directory=str(tmp_path), disable_plotting=True)
    )  # fmt: skip

    assert report["accuracy"] == 1.0


@pytest.mark.parametrize(
    "command",
    [
        ("run", "actions"),
        ("run", "--model", str(MODEL), "--endpoints", "endpoints.yml", "--credentials", "credentials.yml"),
        ("shell", "--model", str(MODEL), "--endpoints", "endpoints.yml", "--credentials", "credentials.yml"),
    ],
    ids=["actions", "server", "shell"],
)
def test_rasas_servers_listen_on_loopback(model, command: tuple[str, ...], tmp_path) -> None:
    """`mesoguide rasa run`, `rasa run actions` and `rasa shell` are heard by this machine alone, unless told otherwise."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if name != "SANIC_HOST"}
    server = subprocess.Popen(
        [sys.executable, "-m", "mesoguide", "rasa", *command, "--port", str(port)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**environment, "MESOGUIDE_DATA_FOLDER": str(tmp_path)},
    )  # fmt: skip
    try:
        end = time.monotonic() + 120
        while not (heard_on := listens_on(port)) and time.monotonic() < end:
            assert server.poll() is None, "the server ended"
            time.sleep(0.2)
    finally:
        server.kill()
        server.wait(20)

    assert heard_on == {"127.0.0.1"}


def test_telemetry_is_off_whatever_the_environment_says(tmp_path) -> None:
    """A new user's machine whose environment asks for telemetry gets none: neither reports nor errors are sent."""
    asks = (
        "from mesoguide.rasa_host import quiet; {}; from rasa import telemetry;"
        " print(telemetry.is_telemetry_enabled())"
    )

    def said(first: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", asks.format(first)], cwd=ROOT, capture_output=True, text=True, check=True,
            env={**os.environ, "HOME": str(tmp_path), "RASA_TELEMETRY_ENABLED": "true"},
        )  # fmt: skip
        return done.stdout.splitlines()[-1]

    assert said("pass") == "True"
    assert said("quiet.start()") == "False"


def test_help_teaches() -> None:
    """`mesoguide ask --help` shows what goes in and what comes out."""
    text = run("ask", "--help").stdout.decode()

    assert '{"id": "q1"' in text
    assert "reply-contract" in text
