"""Messages a second with one to three processes, beside stock Rasa on the same database and lock server.

Both are asked in the same way: conversations of ten messages, each conversation with one process, at most
four requests at once in a process (what HAProxy's file does). Stock Rasa has the pipeline of ``rasa init``,
the same domain, rules and custom action, the latter on an action server, and its own stores.
"""

from __future__ import annotations

import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import yaml

from mesoguide.evaluation_data import questions
from mesoguide.rasa_host.bench_servers import Postgres, Valkey, free_port
from mesoguide.settings import ROOT

PROCESSES = (1, 2, 3)
CONVERSATIONS = (1, 8, 32, 128)
SECONDS = 6.0
AT_ONCE = 4
TURNS = 10
READY_SECONDS = 300.0
KEPT = """
select pg_total_relation_size('events') / count(*) filter (where type_name = 'user'),
       count(*) * 1.0 / count(*) filter (where type_name = 'user')
from events
"""
"""Bytes on disk, and rows, of a message."""
POLICIES = [
    {"name": "RulePolicy", "core_fallback_threshold": 0.3, "core_fallback_action_name": "action_reply"}
]


@dataclass(frozen=True, slots=True)
class Cell:
    """What came out for some conversations at once: messages a second, milliseconds, errors."""

    rate: float
    median: float
    high: float
    errors: int


@dataclass(frozen=True, slots=True)
class System:
    """Something that is asked: its processes' ports, and how a conversation speaks to one."""

    ports: Sequence[int]
    begin: Callable[[int], str]
    say: Callable[[int, str, str], bool]
    of: dict[str, list[psutil.Process]]


def measure(stock_model: Path | None, say: Callable[[str], None]) -> str:
    """Return the tables; without ``stock_model`` (an archive) stock Rasa is left out."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        postgres, valkey = Postgres(folder / "postgres"), Valkey()
        postgres.make()
        postgres.start()
        stack.callback(postgres.stop)
        valkey.start()
        stack.callback(valkey.stop)
        servers = {"PostgreSQL": [_of_port(postgres.port)], "Valkey": [_of_port(valkey.port)]}
        found = {}
        with _ours(folder, postgres, valkey, servers) as system:
            found["Mesoguide"] = _matrix(system, "ours", say)
        kept = {"Mesoguide": postgres.rows(KEPT)[0]}
        if stock_model is not None:
            with _stock(folder, stock_model, postgres, valkey, servers) as system:
                found["stock Rasa"] = _matrix(system, "stock Rasa", say)
            kept["stock Rasa"] = postgres.rows(KEPT, "stock")[0]
    return "\n".join(_tables(found, kept))


Matrix = tuple[dict[tuple[int, int], Cell], dict[str, float]]
"""Cells by processes and conversations; CPU milliseconds a message by what spent them."""


def _matrix(system: System, name: str, say: Callable[[str], None]) -> Matrix:
    cells: dict[tuple[int, int], Cell] = {}
    _load(system, 1, len(system.ports))  # what is made at the first message is no part of it
    before, messages = _spent(system), 0.0
    for processes in PROCESSES:
        for conversations in CONVERSATIONS:
            say(f"{name}: {_many(processes)}, conversations at once: {conversations} …")
            cells[processes, conversations] = cell = _load(system, processes, conversations)
            messages += cell.rate * SECONDS
    after = _spent(system)
    return cells, {part: 1000 * (after[part] - before[part]) / messages for part in before}


def _spent(system: System) -> dict[str, float]:
    return {
        name: sum(
            sum(p.cpu_times()[:2]) for process in roots for p in [process, *process.children(recursive=True)]
        )
        for name, roots in system.of.items()
    }


def _load(system: System, processes: int, conversations: int) -> Cell:
    texts = [row["text"] for row in questions() if row["kind"] == "answer"]
    slots = [threading.Semaphore(AT_ONCE) for _ in range(processes)]
    waits: list[float] = []
    errors: list[str] = []
    end = time.monotonic() + SECONDS

    def converse(number: int) -> None:
        turn, place = 0, number % processes
        name = ""
        while time.monotonic() < end:
            begun = time.perf_counter()
            try:
                with slots[place]:
                    if turn % TURNS == 0:
                        name = system.begin(system.ports[place])
                    if not system.say(system.ports[place], name, texts[(7 * number + turn) % len(texts)]):
                        errors.append("empty")
            except OSError as cause:
                errors.append(type(cause).__name__)
            waits.append(1000 * (time.perf_counter() - begun))
            turn += 1

    people = [threading.Thread(target=converse, args=(number,)) for number in range(conversations)]
    begun = time.monotonic()
    for thread in people:
        thread.start()
    for thread in people:
        thread.join()
    took = time.monotonic() - begun
    high = statistics.quantiles(waits, n=20, method="inclusive")[-1] if len(waits) > 1 else waits[0]
    return Cell(len(waits) / took, statistics.median(waits), high, len(errors))


@contextmanager
def _ours(
    folder: Path, postgres: Postgres, valkey: Valkey, servers: dict[str, list[psutil.Process]]
) -> Iterator[System]:
    with ExitStack() as stack:
        ports, processes = [], []
        for _ in range(max(PROCESSES)):
            port = free_port()
            environment = {
                "MESOGUIDE_WEBSITE_PORT": str(port),
                "MESOGUIDE_DATA_FOLDER": str(folder),
                "MESOGUIDE_WEBSITE_MESSAGES_A_MINUTE": "1000000",
                "MESOGUIDE_WEBSITE_PROXIES": "1",
                "MESOGUIDE_DATABASE": postgres.address,
                "MESOGUIDE_LOCKS": valkey.address,
            }
            processes.append(stack.enter_context(_run(["-m", "mesoguide", "web"], environment)))
            ports.append(port)
        for port in ports:
            _wait(partial(_call, port, "GET", "/chat/ready"))
        yield System(ports, _begin_ours, _say_ours, {"the process": processes, **servers})


def _begin_ours(port: int) -> str:
    return str(_call(port, "POST", "/chat/session", {}, headers=_from_anywhere())["token"])


def _say_ours(port: int, name: str, text: str) -> bool:
    headers = {"Authorization": f"Bearer {name}", **_from_anywhere()}
    found = _call(port, "POST", "/chat/messages", {"id": os.urandom(8).hex(), "text": text}, headers=headers)
    return bool(found and found["reply"]["kind"] != "error")


def _from_anywhere() -> dict[str, str]:
    """An address of its own, as each visitor has one: the limits of one address are no part of this."""
    return {"X-Forwarded-For": ".".join(map(str, (10, *os.urandom(3))))}


@contextmanager
def _stock(
    folder: Path, model: Path, postgres: Postgres, valkey: Valkey, servers: dict[str, list[psutil.Process]]
) -> Iterator[System]:
    action = free_port()
    store = {
        "type": "SQL", "dialect": "postgresql", "url": "127.0.0.1", "port": postgres.port, "username": "mesoguide",
        "password": "none", "db": "stock", "login_db": "postgres",
    }  # fmt: skip
    endpoints = {
        "tracker_store": store,
        "lock_store": {"type": "redis", "url": "127.0.0.1", "port": valkey.port, "db": 1},
        "action_endpoint": {"url": f"http://127.0.0.1:{action}/webhook"},
    }
    (folder / "endpoints.yml").write_text(yaml.safe_dump(endpoints), "utf-8")
    (folder / "credentials.yml").write_text("rest:\n", "utf-8")
    environment = {"RASA_TELEMETRY_ENABLED": "false", "LOG_LEVEL": "ERROR"}
    serve = [
        "-m", "rasa", "run", "-m", str(model), "-i", "127.0.0.1", "--credentials", str(folder / "credentials.yml"),
        "--endpoints", str(folder / "endpoints.yml"), "-p",
    ]  # fmt: skip
    with ExitStack() as stack:
        command = ["-m", "rasa", "run", "actions", "-p", str(action)]
        actions = stack.enter_context(_run(command, {**environment, "SANIC_HOST": "127.0.0.1"}))
        ports, processes = [], []
        for _ in range(
            max(PROCESSES)
        ):  # one after the other: stock Rasa makes its tables without waiting for others
            port = free_port()
            processes.append(stack.enter_context(_run([*serve, str(port)], environment)))
            _wait(partial(_say_stock, port, "first", "hello"))
            ports.append(port)
        parts = {"the process": processes, **servers, "its action server": [actions]}
        yield System(ports, lambda _: os.urandom(8).hex(), _say_stock, parts)


def _say_stock(port: int, name: str, text: str) -> bool:
    return bool(_call(port, "POST", "/webhooks/rest/webhook", {"sender": name, "message": text}))


@contextmanager
def _run(arguments: list[str], environment: dict[str, str]) -> Iterator[psutil.Process]:
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, env={**os.environ, **environment},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait(ready: Callable[[], Any]) -> None:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        try:
            if ready():
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise RuntimeError("a server of the bench did not become ready")


def _call(port: int, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
    """Return what an answer with status 200 holds.

    Raises
    ------
    OSError
        There was none.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    sent = None if body is None else json.dumps(body)
    try:
        connection.request(method, path, sent, {"Content-Type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        found = answer.read()
    except http.client.HTTPException as cause:
        raise OSError(str(cause)) from cause
    finally:
        connection.close()
    if answer.status != 200:
        raise OSError(f"{answer.status}")
    return json.loads(found)


def _of_port(port: int) -> psutil.Process:
    """The process that listens on ``port``."""
    for process in psutil.process_iter():
        try:
            listens = [line.laddr.port for line in process.connections("inet") if line.status == "LISTEN"]
        except psutil.Error:
            continue
        if port in listens:
            return process
    raise RuntimeError(f"nothing listens on port {port}")


def _tables(found: dict[str, Matrix], kept: dict[str, Any]) -> Iterator[str]:
    own, stock = found["Mesoguide"], found.get("stock Rasa")
    yield "| messages a second (median, 95th percentile in ms) | conversations at once | Mesoguide | stock Rasa | ratio |"
    yield "|---|---|---|---|---|"
    for (processes, conversations), cell in own[0].items():
        other = stock[0][processes, conversations] if stock else None
        beside = f"{_shown(other)} | {cell.rate / other.rate:.1f}" if other else "not measured | "
        yield f"| {_many(processes)} | {conversations} | {_shown(cell)} | {beside} |"
    yield ""
    yield "| CPU ms of a message, all cells | Mesoguide | stock Rasa |"
    yield "|---|---|---|"
    for part in (stock or own)[1]:
        values = [f"{matrix[1][part]:.1f}" if part in matrix[1] else "–" for matrix in (own, stock) if matrix]
        yield f"| {part} | {' | '.join(values) if stock else values[0] + ' | not measured'} |"
    for number, part in enumerate(("bytes kept of a message, index and all", "rows of a message")):
        values = [f"{float(each[number]):,.1f}" for each in kept.values()]
        yield f"| {part} | {' | '.join(values) if stock else values[0] + ' | not measured'} |"


def _many(processes: int) -> str:
    return "1 process" if processes == 1 else f"{processes} processes"


def _shown(cell: Cell) -> str:
    errors = f", {cell.errors} errors" if cell.errors else ""
    return f"{cell.rate:.1f} ({cell.median:.0f}, {cell.high:.0f}{errors})"
