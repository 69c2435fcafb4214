"""The answers of a version of the product: of a git revision, a folder, or a file of answers."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from mesoguide.measuring import answers
from mesoguide.measuring.answers import Answer, Rows
from mesoguide.measuring.runs import messages_of
from mesoguide.settings import PREFIX, ROOT

BUILT = ("models", "language/en_mesoguide/data", "language/en_mesoguide/meta.json")
"""What is built and not in git. A revision starts with ours, and builds what it needs otherwise."""


KEPT = ROOT / ".cache" / "answers"
"""Where the answers of the last revisions are kept, so that an editor waits for each only once."""
MOST_KEPT = 4
"""Files of them, about 5 MB each."""


class NoVersionError(Exception):
    """There is no such version, or it does not answer; the text says why."""


def answers_of_both(
    old: str, new: str, rows: Rows, say: Callable[[str], None]
) -> tuple[dict[str, Answer], dict[str, Answer]]:
    """Return the answers of two versions to the messages of ``rows``, asked side by side.

    Parameters
    ----------
    old, new
        A file of answers, a folder with the project in it, or a git revision of this project.
    say
        Told what is being done.

    Raises
    ------
    NoVersionError
        One of them is none of these, or does not answer.
    DataError
        A file of answers can't be read.
    """
    with ThreadPoolExecutor(2) as pool:
        first, second = (pool.submit(answers_of, version, rows, say) for version in (old, new))
        both = first.result(), second.result()
    newest = sorted(KEPT.glob("*.jsonl"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in newest[MOST_KEPT:]:
        path.unlink()
    return both


def answers_of(version: str, rows: Rows, say: Callable[[str], None]) -> dict[str, Answer]:
    """Return the answers of one version; see :func:`answers_of_both`."""
    path = Path(version)
    if path.is_file():
        return answers.read(path)
    if version and path.is_dir():
        say(f"asking {path.resolve()} …")
        return _asked(path.resolve(), rows)
    kept = KEPT / f"{_digest(_commit(version), rows)}.jsonl"
    if not kept.is_file():
        with _revision(version) as folder:
            say(f"asking revision {version} …")
            told = _asked(folder, rows)
        KEPT.mkdir(parents=True, exist_ok=True)
        answers.write(kept.with_suffix(".part"), told)
        kept.with_suffix(".part").replace(kept)
    return answers.read(kept)


def name_of(version: str) -> str:
    """Return what a page calls a version."""
    return "the files as they are" if version == "." else version


def _commit(name: str) -> str:
    """Return the commit that ``name`` names."""
    command = ["git", "rev-parse", "--quiet", "--verify", "--end-of-options", f"{name}^{{commit}}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode or not name:
        raise NoVersionError(f"'{name}' is no file, no folder and no git revision")
    return done.stdout.strip()


def _digest(commit: str, rows: Rows) -> str:
    """Return a hash of all that decides what a commit answers: it, the messages, and the settings."""
    settings = sorted(item for item in os.environ.items() if item[0].startswith(PREFIX))
    return hashlib.sha256(json.dumps([commit, sorted(rows), settings]).encode()).hexdigest()


@contextmanager
def _revision(name: str) -> Iterator[Path]:
    """Put the files of a git revision into a folder that is removed afterwards."""
    done = subprocess.run(["git", "archive", _commit(name)], cwd=ROOT, capture_output=True, check=True)
    with tempfile.TemporaryDirectory(prefix="mesoguide-") as place:
        folder = Path(place)
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
            archive.extractall(folder)  # noqa: S202 - git wrote it from our own history
        for part in BUILT:
            source, target = ROOT / part, folder / part
            if source.is_dir():
                shutil.copytree(source, target, dirs_exist_ok=True)
            elif source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
        yield folder


def _asked(folder: Path, rows: Rows) -> dict[str, Answer]:
    """Hold all conversations of ``rows`` with the project in ``folder``, in a process of its own."""
    asked = "".join(
        json.dumps({"id": name, "messages": messages_of(row)}) + "\n" for name, (_, row) in rows.items()
    )
    paths = [str(folder), str(folder / "language"), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, "-m", "mesoguide", "ask", "--jsonl"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        input=asked.encode(),
        stdout=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        raise NoVersionError(
            f"{folder} does not answer: `mesoguide ask --jsonl` ended with {done.returncode}"
        )
    replied = map(json.loads, done.stdout.splitlines())
    return {line["id"]: Answer.of(line["replies"][-1]) for line in replied}
