"""The website's part of ``make bench``: how long one visitor waits, and each of twenty."""

from __future__ import annotations

import http.client
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mesoguide.evaluation_data import questions
from mesoguide.settings import ROOT

VISITORS, TURNS = 20, 6
READING = (1.0, 5.0)
"""Seconds that a visitor reads and types before the next message, at least and at most."""
SCRIPT_EVERY = 0.05


def measure() -> dict[str, float]:
    """Return milliseconds: the 95th percentile of a turn and the median of the script's download.

    ``one``: one visitor, one message after the other. ``twenty``: twenty who read in between.
    ``burst``: twenty who all send at the same moment, again and again.
    """
    texts = [row["text"] for row in questions() if row["kind"] == "answer"]
    with _server() as port:
        _visit(port, texts[:20], (0, 0), [])
        found: dict[str, float] = {}
        for name, visitors, reading in (
            ("one", 1, (0.0, 0.0)),
            ("twenty", VISITORS, READING),
            ("burst", VISITORS, (0.0, 0.0)),
        ):
            waits, scripts = _together(port, texts, visitors, reading, TURNS * (20 if visitors == 1 else 1))
            found |= {name: _percentile(waits, 95), f"{name}_script": statistics.median(scripts)}
    return found


def _together(
    port: int, texts: list[str], visitors: int, reading: tuple[float, float], turns: int
) -> tuple[list[float], list[float]]:
    waits: list[float] = []
    scripts: list[float] = []
    done = threading.Event()

    def load() -> None:
        while not done.is_set():
            scripts.append(_timed(port, "GET", "/chat/widget.js"))
            time.sleep(SCRIPT_EVERY)

    loader = threading.Thread(target=load)
    people = [
        threading.Thread(target=_visit, args=(port, texts[i * turns : (i + 1) * turns], reading, waits))
        for i in range(visitors)
    ]
    for thread in (loader, *people):
        thread.start()
    for thread in people:
        thread.join()
    done.set()
    loader.join()
    return waits, scripts


def _visit(port: int, texts: list[str], reading: tuple[float, float], waits: list[float]) -> None:
    chance = random.Random(len(texts) and texts[0])  # noqa: S311 - repeatable, not secret
    token = ""
    for number, text in enumerate(texts):
        if number % TURNS == 0:  # a conversation is as long with one visitor as with twenty
            token = _call(port, "POST", "/chat/session", {})["token"]
        time.sleep(chance.uniform(*reading))
        waits.append(_timed(port, "POST", "/chat/messages", {"id": os.urandom(8).hex(), "text": text}, token))


def _timed(port: int, method: str, path: str, body: Any = None, token: str = "") -> float:
    begun = time.perf_counter()
    _call(port, method, path, body, token)
    return 1000 * (time.perf_counter() - begun)


def _call(port: int, method: str, path: str, body: Any = None, token: str = "") -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        response = connection.getresponse()
        found = response.read()
    finally:
        connection.close()
    if response.status != 200:
        raise RuntimeError(f"{method} {path}: {response.status}")
    return json.loads(found) if found[:1] == b"{" else found


def _percentile(values: list[float], share: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1]


@contextmanager
def _server() -> Iterator[int]:
    """Serve on a free port with a data folder of its own until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with tempfile.TemporaryDirectory() as folder:
        own = {
            "MESOGUIDE_WEBSITE_PORT": str(port),
            "MESOGUIDE_DATA_FOLDER": folder,
            "MESOGUIDE_WEBSITE_MESSAGES_A_MINUTE": "100000",
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "mesoguide", "web"],
            cwd=ROOT,
            env={**os.environ, **own},
            stderr=subprocess.DEVNULL,
        )
        try:
            for _ in range(600):
                try:
                    _call(port, "GET", "/chat/health")
                    break
                except (OSError, RuntimeError):
                    time.sleep(0.1)
            yield port
        finally:
            process.terminate()
            process.wait(30)
