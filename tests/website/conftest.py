"""A server of the website chat in a process of its own, and Debian's Chromium; all tests are slow."""

from __future__ import annotations

import http.client
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mesoguide.rasa_host.bench_servers import free_port
from mesoguide.settings import ROOT

HERE = Path(__file__).parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MUST_HAVE_BROWSER = "MESOGUIDE_BROWSER"
"""Environment variable: set in CI, where a missing browser is a failure and no reason to skip."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what stands in this folder."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.slow)


@dataclass
class Server:
    """``mesoguide web`` on a port of its own, with a data folder of its own."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    port: int = 0
    process: Any = None

    def start(self, *, wait: bool = True) -> None:
        """Start it; with ``wait``, until it is ready to answer."""
        self.port = self.port or free_port()
        environment = {
            **os.environ,
            "MESOGUIDE_WEBSITE_PORT": str(self.port),
            "MESOGUIDE_DATA_FOLDER": str(self.folder),
            "MESOGUIDE_WEBSITE_MESSAGES_A_MINUTE": "100000",
            **{f"MESOGUIDE_{name.upper()}": value for name, value in self.settings.items()},
            **self.environment,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mesoguide", "web"], cwd=ROOT, env=environment,
            stdout=subprocess.DEVNULL, stderr=(self.folder / "log").open("ab"),
        )  # fmt: skip
        if wait:
            self.wait_for(lambda: self.call("GET", "/chat/health")[0] == 200)

    def fill_disk(self, most_bytes: int) -> None:
        """Let it write no file beyond ``most_bytes``, as if the disk were full."""
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    def wait_for(self, happened: Callable[[], bool], seconds: float = 120) -> None:
        """Wait until ``happened``; an error counts as not yet."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process.poll() is None, f"the server ended:\n{(self.folder / 'log').read_text()}"
            try:
                if happened():
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"not ready in time:\n{(self.folder / 'log').read_text()}")

    def stop(self, how: int = signal.SIGTERM) -> None:
        """End it."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(30)

    @property
    def address(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def call(
        self, method: str, path: str, body: Any = None, token: str = "", headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], Any]:
        """Make one request; return status, headers (lower case) and the JSON or the bytes."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        known = {"Content-Type": "application/json"} if sent is not None else {}
        known |= {"Authorization": f"Bearer {token}"} if token else {}
        try:
            connection.request(method, path, sent, {**known, **(headers or {})})
            response = connection.getresponse()
            found = response.read()
        finally:
            connection.close()
        names = {name.lower(): value for name, value in response.getheaders()}
        is_json = found and names.get("content-type", "").startswith("application/json")
        return response.status, names, json.loads(found) if is_json else found

    def session(self) -> str:
        """Begin a conversation; return its token. Waits where this address began too many."""
        while True:
            status, headers, found = self.call("POST", "/chat/session", {})
            if status == 200:
                return str(found["token"])
            assert status == 429, found
            time.sleep(int(headers["retry-after"]))

    def say(self, token: str, text: str, name: str = "") -> dict[str, Any]:
        """Send a message that must be answered; return the message that came back."""
        status, _, found = self.call("POST", "/chat/messages", {"id": name or new_id(), "text": text}, token)
        assert status == 200, found
        return dict(found)


def listens_on(port: int) -> set[str]:
    """Return the addresses of this machine on which somebody listens on ``port``, as the kernel tells them."""
    found = set()
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            address, hexadecimal = local.split(":")
            if state == "0A" and int(hexadecimal, 16) == port:
                words = [
                    bytes.fromhex(address[place : place + 8])[::-1] for place in range(0, len(address), 8)
                ]
                found.add(socket.inet_ntop(family, b"".join(words)))
    return found


def new_id() -> str:
    """Return an id as the widget makes it."""
    return os.urandom(12).hex()


@pytest.fixture(scope="session")
def model() -> Path:
    """The trained model, made before the first server is started."""
    from mesoguide.rasa_host import quiet

    quiet.start()
    from mesoguide.rasa_host.training import prepare

    return prepare(print)


@pytest.fixture(scope="session")
def server(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that do not end it."""
    numbers = {
        "emergency_number": "999",
        "clinic_phone": "020 7946 0000",
        "crisis_line": "Samaritans, 116 123",
    }
    made = Server(tmp_path_factory.mktemp("website"), numbers)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def own_server(model: Path, tmp_path: Path) -> Iterator[Server]:
    """A server of the test's own, not started yet."""
    made = Server(tmp_path)
    yield made
    made.stop(signal.SIGKILL)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium; where there is none the test is skipped, but never in CI.

    It is ended with its module: while it runs, its event loop is this thread's.
    """
    if CHROMIUM is None:
        if os.environ.get(MUST_HAVE_BROWSER):
            pytest.fail("there is no Chromium: install Debian's package chromium")
        pytest.skip("there is no Chromium on this machine (Debian's package chromium)")
    from playwright.sync_api import sync_playwright

    switches = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
    ]
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=switches)
        yield started
        started.close()
