"""Ten faults on real servers: no turn lost, none doubled, no empty reply, everybody answered."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.production.conftest import Cluster, Server
from tests.website.conftest import new_id

SLOW = 3.0
LONGEST = 12.0
"""Seconds in which everybody is answered: ten, and what a busy machine adds."""


@pytest.fixture(autouse=True)
def in_order(cluster: Cluster) -> Iterator[None]:
    """All servers run before and after each test."""
    from mesoguide.rasa_host.locks import AWAY_SECONDS

    cluster.actions.seconds = 0.0
    for server in (cluster.first, cluster.second):
        server.wait_for(lambda s=server: s.call("GET", "/chat/ready")[0] == 200, 30)  # type: ignore[misc]
    time.sleep(AWAY_SECONDS + 0.2)  # a lock server that was away is asked again after that
    yield
    cluster.actions.seconds = 0.0
    for server in (cluster.first, cluster.second):
        if server.process.poll() is not None:
            server.start()


def later(work: Any, *arguments: Any) -> Future[Any]:
    """Begin ``work`` in a thread."""
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(work(*arguments))
        except Exception as cause:
            future.set_exception(cause)

    threading.Thread(target=run, daemon=True).start()
    return future


def said(server: Server, token: str, text: str, name: str = "") -> str:
    """Say something; return the reply's text."""
    return str(server.say(token, text, name)["reply"]["text"])


def test_kill_in_mid_turn(cluster: Cluster) -> None:
    """The other process answers the retry in time; the turn is had once."""
    token, name, before = cluster.first.session(), new_id(), cluster.turns()
    cluster.actions.seconds = SLOW
    cut_off = later(said, cluster.first, token, "does it hurt?", name)
    time.sleep(1)
    cluster.first.stop(signal.SIGKILL)
    cluster.actions.seconds = 0.0
    began = time.monotonic()

    assert said(cluster.second, token, "does it hurt?", name)
    assert time.monotonic() - began < LONGEST
    assert cut_off.exception() is not None
    assert cluster.turns() == before + 1


def test_an_ordinary_end_in_mid_turn(cluster: Cluster) -> None:
    """The turn is answered and kept before the process ends."""
    token, before = cluster.first.session(), cluster.turns()
    cluster.actions.seconds = SLOW
    reply = later(said, cluster.first, token, "does it hurt?")
    time.sleep(1)
    cluster.first.stop(signal.SIGTERM)

    assert "The action server" in reply.result(timeout=10)
    assert cluster.turns() == before + 1


def test_action_server_killed(cluster: Cluster) -> None:
    """The error text comes at once, a red flag still its card; afterwards all is as before."""
    token, before = cluster.first.session(), cluster.turns()
    cluster.actions.stop()
    failed = cluster.first.say(token, "does it hurt?")["reply"]
    card = cluster.first.say(token, "i cant breathe")["reply"]
    cluster.actions.start()

    assert (failed["kind"], card["tier"]) == ("error", "emergency")
    assert "The action server" in said(cluster.first, token, "does it hurt?")
    assert cluster.turns() == before + 3


def test_action_server_hanging(cluster: Cluster) -> None:
    """The error text comes in time, and other users do not wait for it."""
    token, other = cluster.first.session(), cluster.first.session()
    cluster.actions.seconds = 60.0
    hanging = later(cluster.first.say, token, "does it hurt?")
    time.sleep(0.5)
    began = time.monotonic()
    card = cluster.first.say(other, "i cant breathe")["reply"]
    waited = time.monotonic() - began

    assert card["tier"] == "emergency"
    assert waited < 3
    assert hanging.result(timeout=LONGEST)["reply"]["kind"] == "error"


def test_postgres_stopped_for_five_seconds(cluster: Cluster) -> None:
    """Messages wait for it, are answered and are kept."""
    tokens, before = [cluster.first.session() for _ in range(4)], cluster.turns()
    cluster.postgres.stop()
    replies = [later(said, cluster.first, token, "does it hurt?") for token in tokens]
    time.sleep(5)
    cluster.postgres.start()

    assert all("The action server" in reply.result(timeout=LONGEST) for reply in replies)
    assert cluster.turns() == before + 4


def test_postgres_restarted_while_idle(cluster: Cluster) -> None:
    """The next message finds its conversation, is answered and is kept."""
    token = cluster.first.session()
    said(cluster.first, token, "does it hurt?")
    before = cluster.turns()
    cluster.postgres.stop()
    cluster.postgres.start()

    assert "The action server" in said(cluster.first, token, "is it safe?")
    assert cluster.turns() == before + 1
    assert len(cluster.first.call("GET", "/chat/history", token=token)[2]["messages"]) == 4


def test_valkey_killed(cluster: Cluster) -> None:
    """Everybody is answered without it; readiness says that it is away."""
    token, before = cluster.first.session(), cluster.turns()
    cluster.valkey.stop()
    try:
        ready = cluster.first.call("GET", "/chat/ready")
        replies = [said(cluster.first, token, "does it hurt?") for _ in range(3)]
    finally:
        cluster.valkey.start()

    assert (ready[0], ready[2]["locks"], ready[2]["store"]) == (503, False, True)
    assert all("The action server" in reply for reply in replies)
    assert cluster.turns() == before + 3
    cluster.first.wait_for(lambda: cluster.first.call("GET", "/chat/ready")[0] == 200, 10)


def test_valkey_frozen(cluster: Cluster) -> None:
    """A server that takes connections and does not answer delays a turn by little, and loses none."""
    tokens, before = [cluster.first.session() for _ in range(4)], cluster.turns()
    cluster.valkey.process.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        replies = [later(said, cluster.first, token, "does it hurt?") for token in tokens]
        texts = [reply.result(timeout=LONGEST) for reply in replies]
        waited = time.monotonic() - began
    finally:
        cluster.valkey.process.send_signal(signal.SIGCONT)

    assert all("The action server" in text for text in texts)
    assert waited < LONGEST
    assert cluster.turns() == before + 4


def test_a_turn_that_outlasts_a_lock_keeps_it(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a process lives its lock does not run out, however long the turn; another process waits."""
    from mesoguide.rasa_host import locks

    monkeypatch.setenv("MESOGUIDE_LOCKS", cluster.valkey.address)
    monkeypatch.setattr(locks, "LIFE_SECONDS", 0.4)
    at: dict[str, float] = {}

    async def hold(name: str, seconds: float) -> None:
        async with locks.ConversationLocks().lock("a-turn-of-this-test"):
            at[f"{name} begins"] = time.monotonic()
            await asyncio.sleep(seconds)
            at[f"{name} ends"] = time.monotonic()

    async def both() -> None:
        first = asyncio.ensure_future(hold("first", 2.0))
        await asyncio.sleep(0.3)
        await asyncio.gather(first, hold("second", 0))

    asyncio.run(both())

    assert at["second begins"] >= at["first ends"]


def test_two_messages_at_once_on_two_processes(cluster: Cluster) -> None:
    """Sixty pairs: all 120 turns are kept, in one conversation each."""
    before = cluster.turns()
    starts = int(
        cluster.postgres.rows("select count(*) from events where type_name = 'session_started'")[0][0]
    )
    tokens = [cluster.first.session() for _ in range(60)]
    with ThreadPoolExecutor(4) as pool:
        for token in tokens:
            pair = [
                pool.submit(said, server, token, "does it hurt?")
                for server in (cluster.first, cluster.second)
            ]
            assert all("The action server" in reply.result(timeout=30) for reply in pair)
    after = int(
        cluster.postgres.rows("select count(*) from events where type_name = 'session_started'")[0][0]
    )

    assert cluster.turns() == before + 120
    assert after == starts + 60


@pytest.fixture
def third(cluster: Cluster) -> Iterator[Server]:
    """A third process beside the two."""
    server = Server(cluster.first.folder, cluster.first.settings)
    server.start()
    yield server
    server.stop(signal.SIGKILL)


def test_three_messages_at_once_on_three_processes(cluster: Cluster, third: Server) -> None:
    """Twenty times three: all sixty turns are kept and answered, one after the other."""
    before = cluster.turns()
    tokens = [cluster.first.session() for _ in range(20)]
    servers = (cluster.first, cluster.second, third)
    with ThreadPoolExecutor(6) as pool:
        for token in tokens:
            three = [pool.submit(said, server, token, "does it hurt?") for server in servers]
            assert all("The action server" in reply.result(timeout=30) for reply in three)

    assert cluster.turns() == before + 60


def test_the_same_message_delivered_three_times(cluster: Cluster, third: Server) -> None:
    """To three processes, at once: one turn, and the same reply each time."""
    before = cluster.turns()
    token, name = cluster.first.session(), new_id()
    cluster.actions.seconds = 0.5
    servers = (cluster.first, cluster.second, third)
    replies = [later(cluster_say, server, token, name) for server in servers]
    found = [reply.result(timeout=LONGEST) for reply in replies]

    assert found[0] == found[1] == found[2]
    assert cluster.turns() == before + 1


def cluster_say(server: Server, token: str, name: str) -> dict[str, Any]:
    return server.say(token, "does it hurt?", name)


def test_sqlite_under_a_foreign_lock(model: Path, tmp_path: Path) -> None:
    """While another process holds the file for seven seconds, users wait, are answered, and are kept."""
    server = Server(tmp_path)
    server.start()
    try:
        tokens = [server.session() for _ in range(3)]
        said(server, tokens[0], "does it hurt?")
        with sqlite3.connect(tmp_path / "conversations.db", isolation_level=None) as foreign:
            foreign.execute("begin immediate")
            replies = [later(said, server, token, "is it safe?") for token in tokens]
            time.sleep(1)
            began = time.monotonic()
            config = server.call("GET", "/chat/config")[0]
            waited = time.monotonic() - began
            time.sleep(6)
            foreign.execute("rollback")
        texts = [reply.result(timeout=LONGEST) for reply in replies]
        kept = [len(server.call("GET", "/chat/history", token=token)[2]["messages"]) for token in tokens]
    finally:
        server.stop()

    assert all("Sources:" in text for text in texts)
    assert kept == [4, 2, 2]
    assert (config, waited < 1) == (200, True)


def test_a_full_disk(model: Path, tmp_path: Path) -> None:
    """What can't be written is answered all the same, without waiting for room, by a process that goes on."""
    server = Server(tmp_path)
    server.start()
    server.fill_disk(300_000)
    try:
        replies = [server.say(server.session(), "does it hurt?")["reply"] for _ in range(40)]
        card = server.say(server.session(), "i cant breathe")["reply"]
        log = (tmp_path / "log").read_text("utf-8")
    finally:
        server.stop()

    assert all(reply["text"] for reply in replies)
    assert card["tier"] == "emergency"
    assert "a turn failed" in log
    assert "the database is away" not in log
    assert server.process.returncode in (0, -15)


def test_a_database_is_whole_after_a_kill(model: Path, tmp_path: Path) -> None:
    """SQLite's file passes its own check after kill -9 in the middle of many turns."""
    server = Server(tmp_path)
    server.start()
    tokens = [server.session() for _ in range(20)]
    for token in tokens:
        later(said, server, token, "does it hurt?")
    time.sleep(0.7)
    server.stop(signal.SIGKILL)
    with sqlite3.connect(tmp_path / "conversations.db") as database:
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)
