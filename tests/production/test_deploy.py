"""The ready files in deploy/ are what the programs that read them take."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from mesoguide.settings import ROOT
from tests.production.conftest import MUST_HAVE_SERVERS, Cluster, Postgres
from tests.website.conftest import Server, free_port

HAPROXY = shutil.which("haproxy")


@pytest.fixture
def haproxy() -> str:
    """Debian's HAProxy; where there is none the test is skipped, but never in CI."""
    if HAPROXY is None:
        if os.environ.get(MUST_HAVE_SERVERS):
            pytest.fail("there is no HAProxy: install Debian's package haproxy")
        pytest.skip("there is no HAProxy on this machine (Debian's package haproxy)")
    return HAPROXY


def test_haproxy_takes_its_file(haproxy: str) -> None:
    """HAProxy's own check finds nothing to say."""
    done = subprocess.run(
        [haproxy, "-c", "-f", str(ROOT / "deploy/haproxy.cfg")], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr.lower()


def test_conversations_through_haproxy(haproxy: str, cluster: Cluster, tmp_path: Path) -> None:
    """Behind it users are answered, and go on being answered when one of two processes is killed."""
    port = free_port()
    text = (ROOT / "deploy/haproxy.cfg").read_text("utf-8")
    for old, new in (
        (":8080", f"127.0.0.1:{port}"),
        (":5005", f":{cluster.first.port}"),
        (":5006", f":{cluster.second.port}"),
    ):
        text = text.replace(old, new)
    (tmp_path / "haproxy.cfg").write_text(text, "utf-8")
    balancer = subprocess.Popen([haproxy, "-f", str(tmp_path / "haproxy.cfg")], stderr=subprocess.DEVNULL)
    door = type(cluster.first)(tmp_path, port=port, process=balancer)
    try:
        door.wait_for(lambda: door.call("GET", "/chat/ready")[0] == 200, 30)
        tokens = [door.session() for _ in range(6)]
        before = [door.say(token, "does it hurt?")["reply"]["text"] for token in tokens]
        cluster.first.stop(9)
        end = time.monotonic() + 20
        after = []
        for token in tokens:
            status = 503
            while status != 200 and time.monotonic() < end:  # as the widget does: again with the same id
                status, _, found = door.call(
                    "POST", "/chat/messages", {"id": f"again-{token[:8]}", "text": "is it safe?"}, token
                )
            after.append(found["reply"]["text"])
    finally:
        balancer.kill()
        balancer.wait(10)
        cluster.first.start()

    assert len(before) == len(after) == 6
    assert all(before) and all(after)


def test_a_database_of_plain_rasa_is_migrated(postgres: Postgres) -> None:
    """Its keys have 64 bits afterwards, and what was in it is still there."""
    import sqlalchemy as sa

    engine = sa.create_engine(postgres.address)
    with engine.begin() as line:
        line.execute(sa.text("create schema plain"))
        line.execute(sa.text("set search_path to plain"))
        line.execute(
            sa.text(
                "create table events (id serial primary key, sender_id varchar(255), timestamp float, data text)"
            )
        )
        line.execute(sa.text("insert into events (sender_id, timestamp, data) values ('a', 1, '{}')"))
        for statement in (ROOT / "deploy/postgres.sql").read_text("utf-8").split(";"):
            lines = [part for part in statement.splitlines() if not part.startswith("--")]
            if " ".join(lines).strip() not in ("", "begin", "commit"):
                line.execute(sa.text("\n".join(lines)))
        line.execute(sa.text("select setval('plain.events_id_seq', 3000000000)"))
        line.execute(sa.text("insert into events (sender_id, timestamp, data) values ('b', 2, '{}')"))
        found = line.execute(sa.text("select id from events order by id")).scalars().all()
        line.execute(sa.text("drop schema plain cascade"))
    engine.dispose()

    assert found == [1, 3000000001]


def test_metrics_tell_how_it_goes_and_nothing_of_anybody(model: Path, tmp_path: Path) -> None:
    """With the token Prometheus reads counts by kind, tier and channel; without it there is no such address."""
    server = Server(tmp_path, environment={"MESOGUIDE_METRICS_TOKEN": "a-token-of-this-test"})
    server.start()
    try:
        token = server.session()
        server.say(token, "does the okapi hurt?")
        server.say(token, "i cant breathe")
        status, _, found = server.call("GET", "/metrics", token="a-token-of-this-test")
        refused = [server.call("GET", "/metrics")[0], server.call("GET", "/metrics", token="another")[0]]
    finally:
        server.stop()
    text = found.decode()

    assert (status, refused) == (200, [404, 404])
    assert 'mesoguide_cards_total{tier="emergency"} 1.0' in text
    assert 'mesoguide_turns_total{channel="website",kind="safety"} 1.0' in text
    assert 'mesoguide_turn_seconds_count{channel="website"} 2.0' in text
    assert "okapi" not in text and token.split(".")[0] not in text


@pytest.mark.parametrize("name", ["alerts.yml", "grafana.json"])
def test_dashboard_and_alerts_ask_for_what_there_is(name: str) -> None:
    """Every metric and label that they name is one that the server gives."""
    from mesoguide.rasa_host.metrics import REGISTRY, SENDS, STORE_ERRORS, TURNS

    TURNS.labels("website", "answer")
    SENDS.labels("telegram", "sent")
    STORE_ERRORS.inc(0)
    given = {sample.name for metric in REGISTRY.collect() for sample in metric.samples}
    given |= {f"{metric.name}_total" for metric in REGISTRY.collect() if metric.type == "counter"}
    given |= {f"{metric.name}_bucket" for metric in REGISTRY.collect() if metric.type == "histogram"}
    asked = set(re.findall(r"mesoguide_\w+", (ROOT / "deploy" / name).read_text("utf-8")))

    assert asked
    assert asked - given == set()
