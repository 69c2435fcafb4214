"""Runs what deploy/Containerfile describes without a container engine.

A process gets a root of its own: the machine's system folders in place of the base image, the paths that the
last stage copies and no others, all read-only; a user that the machine does not know, no rights, process
number 1, and only the Containerfile's environment. Needs root, for the mounts.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import stat
import subprocess
import sys
import sysconfig
import time
from dataclasses import dataclass, field
from pathlib import Path

from mesoguide.settings import ROOT
from tests.website.conftest import Server, free_port

TEXT = re.sub(r"\\\n", " ", (ROOT / "deploy/Containerfile").read_text("utf-8"))
LAST = TEXT.split("\nFROM ")[-1]
HOME = "/opt/mesoguide"
SYSTEM = ("/bin", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/sbin", "/sys", "/usr")


def line(name: str) -> str:
    """The last stage's only line that starts with ``name``."""
    (found,) = re.findall(rf"^{name} (.+)$", LAST, re.MULTILINE)
    return str(found)


def copied() -> list[str]:
    """What the last stage copies, as paths of the project."""
    paths = []
    for sources in re.findall(r"^COPY (.+) \S+$", LAST, re.MULTILINE):
        paths += [path.removeprefix(f"{HOME}/") for path in sources.removeprefix("--from=build ").split()]
    return paths


def taken_out() -> list[str]:
    """Folders of the packages that the Containerfile takes out of the environment again."""
    (names,) = re.findall(r"uv pip uninstall (.+)$", TEXT, re.MULTILINE)
    installed = Path(sysconfig.get_path("purelib")).relative_to(sys.prefix)
    return [f"{HOME}/.venv/{installed}/{name.replace('-', '_')}" for name in names.split()]


def image_environment() -> dict[str, str]:
    """The last stage's environment."""
    return dict(pair.split("=", 1) for pair in shlex.split(line("ENV")))


ENTRY: list[str] = json.loads(line("ENTRYPOINT"))
COMMAND: list[str] = json.loads(line("CMD"))
HEALTH: list[str] = json.loads(line("HEALTHCHECK").split(" CMD ")[1])
USER, GROUP = line("USER").split(":")

ROOT_FOLDER = """
set -e
root=$1; shift
mount -t tmpfs -o mode=755 image "$root"
give() {
  mkdir -p "$root$(dirname "$2")"
  if [ -d "$1" ]; then mkdir -p "$root$2"; else touch "$root$2"; fi
  mount --bind "$1" "$root$2"
  mount -o "remount,bind,$3" "$root$2"
}
while [ "$1" != -- ]; do give "$1" "$2" "$3"; shift 3; done
shift
mkdir -p "$root/proc" "$root/dev/shm"
mount -t proc proc "$root/proc"
mount -t tmpfs shm "$root/dev/shm"
for name in null zero random urandom; do touch "$root/dev/$name"; mount --bind "/dev/$name" "$root/dev/$name"; done
mount -o remount,ro "$root"
exec chroot "$root" "$@"
"""
"""Lays the root folder: from, to and mode for each path, then the command."""
APART = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]


def why_not() -> str:
    """Why nothing can be run like this here; empty where it can."""
    if os.geteuid() != 0:
        return "read-only mounts need root"
    try:
        done = subprocess.run(
            [*APART, "mount", "-t", "tmpfs", "try", "/mnt"], capture_output=True, check=False
        )
    except OSError as cause:
        return str(cause)
    return done.stderr.decode()


@dataclass
class Container(Server):
    """One process in its own root; ``folder`` gets its data, its /tmp and its log."""

    command: list[str] = field(default_factory=lambda: COMMAND)
    keeps_data: bool = True

    @property
    def pid(self) -> int:
        """The process as the machine counts it."""
        return int(Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()[0])

    @property
    def log(self) -> str:
        """All that it printed."""
        return (self.folder / "log").read_text("utf-8")

    def start(self, *, wait: bool = True) -> None:
        """Start it; with ``wait``, until it is ready to answer."""
        self.port = self.port or free_port()
        places: list[str] = []
        for path in (*SYSTEM, sys.base_prefix):
            if Path(path).exists() and not (path == sys.base_prefix and path.startswith("/usr")):
                places += [path, path, "ro"]
        for path in copied():
            places += [sys.prefix if path == ".venv" else str(ROOT / path), f"{HOME}/{path}", "ro"]
        for path in ("tmp", "data")[: 1 + self.keeps_data]:
            own = self.folder / path
            own.mkdir(exist_ok=True)
            own.chmod(stat.S_IRWXU)
            os.chown(own, int(USER), int(GROUP))
            places += [str(own), f"/{path}", "rw"]
        for path in ("root", "empty"):
            (self.folder / path).mkdir(exist_ok=True)
        for path in taken_out():
            places += [str(self.folder / "empty"), path, "ro"]
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin",
            # The image's packages name their own folder; these here name the one that they were installed for.
            "PYTHONPATH": f"{HOME}:{HOME}/language",
            **image_environment(),
            "MESOGUIDE_WEBSITE_PORT": str(self.port),
            **{f"MESOGUIDE_{name.upper()}": value for name, value in self.settings.items()},
            **self.environment,
        }
        self.process = subprocess.Popen(
            [
                *APART, "sh", "-c", ROOT_FOLDER, "sh", str(self.folder / "root"), *places, "--",
                *self._as_user(), *ENTRY, *self.command,
            ],
            env=environment, stdout=(self.folder / "log").open("ab"), stderr=subprocess.STDOUT,
        )  # fmt: skip
        if wait:
            self.wait_for(lambda: self.call("GET", "/chat/ready")[0] == 200, 240)

    def _as_user(self) -> list[str]:
        return [
            "setpriv", "--reuid", USER, "--regid", GROUP, "--clear-groups", "--no-new-privs",
            "--bounding-set=-all", "--inh-caps=-all", "--", "env", "-C", HOME,
        ]  # fmt: skip

    def inside(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command beside it: the same root, user and rights."""
        beside = ["nsenter", "--target", str(self.pid), "--mount", "--pid", "--root", "--wd"]
        return subprocess.run(
            [*beside, *self._as_user(), *command], capture_output=True, text=True, check=False,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin"},
        )  # fmt: skip

    def healthy(self) -> bool:
        """What the Containerfile's own check says, on the port that it has here."""
        return self.inside(*(part.replace(":5005", f":{self.port}") for part in HEALTH)).returncode == 0

    def stop(self, how: int = signal.SIGTERM) -> None:
        """End it as an engine would: a signal to its first process."""
        if self.process and self.process.poll() is None:
            os.kill(self.pid, how)
            self.process.wait(30)

    def wait_for_log(self, text: str, seconds: float = 240) -> None:
        """Wait until it printed ``text``."""
        end = time.monotonic() + seconds
        while text not in self.log:
            assert time.monotonic() < end, self.log
            time.sleep(0.1)
