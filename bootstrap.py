#!/usr/bin/env python3
"""Prepare everything and run one command: `python3 bootstrap.py chat`.

Needs nothing but a Python 3 with pip and the package index. Every step is skipped when it
is done already. This file alone runs on the machine's own Python (3.6 or later).
"""

from __future__ import print_function

import glob
import hashlib
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOOLS = os.path.join(HERE, ".tools")
VENV = os.path.join(HERE, ".venv")
COMMAND = os.path.join(VENV, "bin", "mesoguide")
STAMP = os.path.join(VENV, "mesoguide-locked")
WANTED = "3.10"
UV = "uv==0.13.9"
NO_PYTHON = (
    "Python 3.10 is needed and could be neither found nor fetched. Install it (for example"
    " with your system's packages, pyenv, or `uv python install 3.10`), then run this again;"
    " or name it: MESOGUIDE_PYTHON=/path/to/python3.10 make setup"
)


def main(arguments):
    """Prepare, then become the command."""
    try:
        if not locked():
            uv = find_uv()
            python = find_python(uv)
            sync(uv, python)
    except KeyboardInterrupt:
        sys.exit("\nStopped. Run the same command again to go on.")
    os.execv(COMMAND, [COMMAND] + arguments)


def say(text):
    """Tell what is being done."""
    print("mesoguide: " + text, file=sys.stderr)
    sys.stderr.flush()


def lock_digest():
    """Hash what the environment is made from."""
    total = hashlib.sha256()
    for name in ("uv.lock", "pyproject.toml", "language/pyproject.toml"):
        with open(os.path.join(HERE, name), "rb") as file:
            total.update(file.read())
    return total.hexdigest() + " " + HERE


def locked():
    """Whether the environment is the one that the lock file describes."""
    if not os.path.isfile(STAMP) or not os.path.isfile(COMMAND):
        return False
    with open(STAMP) as file:
        return file.read() == lock_digest()


def find_uv():
    """Return a uv that runs: the machine's, or our own in .tools."""
    own = os.path.join(TOOLS, "bin", "uv")
    for candidate in (shutil.which("uv"), own):
        if candidate and output([candidate, "--version"]):
            return candidate
    say("fetching uv, which installs the rest …")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", TOOLS, "--upgrade", UV]
    pip += ["--disable-pip-version-check", "--no-warn-script-location", "--root-user-action=ignore"]
    failed = run(pip) and run([part for part in pip if not part.startswith("--root")])
    if failed or not output([own, "--version"]):
        sys.exit(
            "uv could not be installed with pip (see above). Check that `python3 -m pip` works and"
            " that the package index can be reached, then run this again."
        )
    return own


def find_python(uv):
    """Return a Python 3.10 that runs: named, on the path, pyenv's, uv's own, or fetched."""
    named = os.environ.get("MESOGUIDE_PYTHON")
    if named and not is_wanted(named):
        sys.exit("MESOGUIDE_PYTHON=%s is no Python 3.10 that runs." % named)
    pyenv = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    candidates = [named, shutil.which("python3.10"), sys.executable]
    candidates += sorted(glob.glob(os.path.join(pyenv, "versions", "3.10*", "bin", "python")))[::-1]
    for candidate in candidates:
        if candidate and is_wanted(candidate):
            return candidate
    managed = [uv, "python", "find", "--no-project", "--managed-python", WANTED]
    found = output(managed)
    if not found:
        say("fetching Python 3.10 …")
        run([uv, "python", "install", "--no-progress", WANTED])
        found = output(managed)
    if not found or not is_wanted(found):
        sys.exit(NO_PYTHON)
    return found


def sync(uv, python):
    """Install what the lock file names into .venv."""
    say("installing the locked packages (about 800 MB to fetch the first time, 2.7 GB on disk) …")
    environment = dict(os.environ, UV_PROJECT_ENVIRONMENT=VENV)
    environment.pop("VIRTUAL_ENV", None)
    command = [uv, "sync", "--frozen", "--python", python, "--project", HERE]
    if subprocess.call(command, cwd=HERE, env=environment):
        sys.exit(
            "The packages could not be installed (see above). Check the connection and the free"
            " disk space (4 GB), then run this again: what is done is kept."
        )
    with open(STAMP, "w") as file:
        file.write(lock_digest())


def is_wanted(python):
    """Whether ``python`` runs and is a 3.10."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    return output([python, "-c", code]) == WANTED


def output(command):
    """What ``command`` prints, or an empty text if it fails."""
    try:
        with open(os.devnull, "w") as nothing:
            return subprocess.check_output(command, stderr=nothing, cwd="/").decode().strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def run(command):
    """Run ``command``; return what it exits with."""
    try:
        return subprocess.call(command)
    except OSError:
        return 1


if __name__ == "__main__":
    main(sys.argv[1:] or ["--help"])
