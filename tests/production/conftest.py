"""Real PostgreSQL and Valkey servers from wheels, and processes of the product beside them; all tests are slow."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mesoguide.rasa_host.bench_servers import Postgres, Valkey, folder_of
from mesoguide.types import Reply
from tests.website.conftest import Server, free_port, model

__all__ = ["Postgres", "Valkey", "folder_of", "model"]

HERE = Path(__file__).parent
MUST_HAVE_SERVERS = "MESOGUIDE_BROWSER"
"""Environment variable: set in CI, where a missing server is a failure and no reason to skip."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what stands in this folder."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.slow)


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
