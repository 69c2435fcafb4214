"""The files in deploy/ fit together, are locked down and hold no secret; programs read them in tests/production."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from mesoguide.settings import PREFIX, ROOT, Settings
from mesoguide.website.sessions import VARIABLE

DEPLOY = ROOT / "deploy"
BASE, OVERLAYS = DEPLOY / "kubernetes/base", DEPLOY / "kubernetes/overlays"
KUSTOMIZATIONS = sorted((DEPLOY / "kubernetes").glob("**/kustomization.yml"))
CONTAINERFILE = (DEPLOY / "Containerfile").read_text("utf-8")
COMPOSE = yaml.safe_load((DEPLOY / "compose.yml").read_text("utf-8"))
SERVICES = COMPOSE["services"]
WRITABLE = {
    "mesoguide": {"/tmp", "/data"},
    "actions": {"/tmp"},
    "haproxy": set(),
    "postgres": {"/tmp", "/var/run/postgresql", "/var/lib/postgresql"},
    "valkey": {"/tmp", "/data"},
}
"""Folders that each kind of container may write to, and no others."""
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|AUTH|DATABASE|LOCKS")


def resources() -> Iterator[dict[str, Any]]:
    """Every resource of the base and of all overlays."""
    for kustomization in KUSTOMIZATIONS:
        for name in yaml.safe_load(kustomization.read_text("utf-8"))["resources"]:
            file = kustomization.parent / name
            if file.is_file():
                yield from yaml.safe_load_all(file.read_text("utf-8"))


RESOURCES = list(resources())
WORKLOADS = {r["metadata"]["name"]: r for r in RESOURCES if r["kind"] in {"Deployment", "StatefulSet"}}
PODS = {name: workload["spec"]["template"] for name, workload in WORKLOADS.items()}
CONTAINERS = {name: pod["spec"]["containers"][0] for name, pod in PODS.items()}


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    """Resources of one kind by name."""
    return {r["metadata"]["name"]: r for r in RESOURCES if r["kind"] == kind}


@pytest.mark.parametrize("name", PODS)
def test_pods_are_locked_down(name: str) -> None:
    """Not root, nothing to gain, nothing to write but what is named, no key to the cluster."""
    pod, container = PODS[name]["spec"], CONTAINERS[name]
    mounts = {m["mountPath"] for m in container["volumeMounts"] if not m.get("readOnly")}

    assert len(pod["containers"]) == 1
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert mounts == WRITABLE[name]
    assert {"cpu", "memory"} == set(container["resources"]["requests"])
    assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("name", SERVICES)
def test_compose_services_are_locked_down(name: str) -> None:
    """The same for Compose."""
    service = SERVICES[name]
    writable = {place.split(":")[0] for place in service.get("tmpfs", [])}
    writable |= {place.split(":")[1] for place in service.get("volumes", []) if not place.endswith(":ro")}

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"])
    assert writable == WRITABLE[name] - ({"/data"} if name == "mesoguide" else set())
    assert "healthcheck" in service or (name == "mesoguide" and "\nHEALTHCHECK " in CONTAINERFILE)
    assert {"mem_limit", "pids_limit", "stop_grace_period"} <= set(service)


def test_only_the_door_is_open() -> None:
    """HAProxy's port is the only one that Compose opens, and the others can't reach the outside."""
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"haproxy"}
    assert {name for name, service in SERVICES.items() if "outside" in service["networks"]} == {"haproxy"}
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert all(port.startswith("127.0.0.1:") for port in SERVICES["haproxy"]["ports"])


def test_actions_are_heard_in_their_container() -> None:
    """By itself the action server listens on loopback, where no other container could reach it."""
    assert SERVICES["actions"]["environment"]["SANIC_HOST"] == "0.0.0.0"
    assert SERVICES["actions"]["networks"] == ["inside"]
    assert "ports" not in SERVICES["actions"]


def test_the_service_is_locked_down() -> None:
    """systemd's unit: started again whatever happens, no rights, and nothing to write but its data."""
    lines = dict(re.findall(r"^(\w+)=(.*)$", (DEPLOY / "mesoguide.service").read_text("utf-8"), re.MULTILINE))
    yes = {name for name, value in lines.items() if value == "yes"}

    assert lines["Restart"] == "always"
    assert lines["User"] != "root"
    assert lines["CapabilityBoundingSet"] == ""
    assert lines["ReadWritePaths"] == "/opt/mesoguide/var"
    assert lines["ProtectSystem"] == "strict"
    assert lines["UMask"] == "0077"
    assert "MemoryMax" in lines
    assert yes >= {
        "NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices", "RestrictNamespaces", "LockPersonality",
        "ProtectKernelModules", "ProtectKernelTunables", "ProtectControlGroups", "RestrictSUIDSGID",
    }  # fmt: skip


def test_no_secret_is_written_down() -> None:
    """What is secret comes from a Kubernetes secret by name, or from the environment; the example is empty."""
    written = {
        (name, line["name"]): line
        for name, container in CONTAINERS.items()
        for line in container["env"]
        if SECRET.search(line["name"])
    }
    composed = {
        (name, variable): value
        for name, service in SERVICES.items()
        for variable, value in service.get("environment", {}).items()
        if SECRET.search(variable)
    }
    example = re.findall(
        r"^([A-Z_]+)=(.*)$", (DEPLOY / "compose.env.example").read_text("utf-8"), re.MULTILINE
    )

    assert len(written) == 6
    assert all("secretKeyRef" in line["valueFrom"] and "value" not in line for line in written.values())
    assert of_kind("Secret") == {}
    assert len(composed) == 6
    assert all("${" in value for value in composed.values())
    assert [value for _, value in example] == ["", "", "", ""]
    assert {name for name, _ in example} == set(
        re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yml").read_text("utf-8"))
    ) - {"MESOGUIDE_ACTION_SERVER"}


def test_the_environment_has_known_names() -> None:
    """Every MESOGUIDE_ variable in the files is a setting or a secret that the product reads."""
    metrics = (ROOT / "mesoguide/rasa_host/metrics.py").read_text("utf-8")
    known = {PREFIX + f.name.upper() for f in fields(Settings)} | {VARIABLE, "MESOGUIDE_SERVERS"}
    known |= set(re.findall(r'^TOKEN = "(\w+)"', metrics, re.MULTILINE))
    files = [*DEPLOY.rglob("*.yml"), *DEPLOY.rglob("*.cfg"), DEPLOY / "Containerfile"]
    files += [DEPLOY / "compose.env.example", DEPLOY / "mesoguide.service"]
    used = {name for file in files for name in re.findall(r"\bMESOGUIDE_[A-Z_]+", file.read_text("utf-8"))}

    assert "MESOGUIDE_METRICS_TOKEN" in known
    assert len(used) > 8
    assert used - known == set()


def test_probes_ask_the_right_thing() -> None:
    """Ready: model, database and lock server. Alive: no more than that it listens."""
    container = CONTAINERS["mesoguide"]

    for probe in ("startupProbe", "readinessProbe"):
        assert container[probe]["httpGet"] == {"path": "/chat/ready", "port": "http"}
    assert container["livenessProbe"]["tcpSocket"] == {"port": "http"}
    assert "/chat/ready'" in CONTAINERFILE
    assert "option httpchk GET /chat/ready" in (BASE / "haproxy.cfg").read_text("utf-8")


def test_names_and_ports_meet() -> None:
    """Services, budgets, policies and the autoscaler select pods that there are, and ports that are open."""
    labels = {pod["metadata"]["labels"]["app"]: name for name, pod in PODS.items()}
    ports = {
        name: {port["name"]: port["containerPort"] for port in container["ports"]}
        for name, container in CONTAINERS.items()
    }

    for workload in WORKLOADS.values():
        assert (
            workload["spec"]["selector"]["matchLabels"] == workload["spec"]["template"]["metadata"]["labels"]
        )
    for service in of_kind("Service").values():
        (port,) = service["spec"]["ports"]
        assert port["targetPort"] in ports[labels[service["spec"]["selector"]["app"]]]
    for budget in of_kind("PodDisruptionBudget").values():
        assert budget["spec"]["selector"]["matchLabels"]["app"] in labels
    for name, policy in of_kind("NetworkPolicy").items():
        (rule,) = policy["spec"].get("ingress", [None])
        target = labels[policy["spec"]["podSelector"]["matchLabels"]["app"]]
        assert rule is None or [p["port"] for p in rule["ports"]] == list(ports[target].values()), name
    assert set(of_kind("NetworkPolicy")) >= set(PODS)
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        for name, container in CONTAINERS.items():
            asked = container.get(probe, {})
            port = asked.get("httpGet", asked.get("tcpSocket", {})).get("port")
            assert port is None or port in ports[name]
    scaled = of_kind("HorizontalPodAutoscaler")["mesoguide"]["spec"]["scaleTargetRef"]
    assert WORKLOADS[scaled["name"]]["kind"] == scaled["kind"]


def test_only_haproxy_reaches_a_process() -> None:
    """A process is heard by HAProxy alone, and reaches names, database and lock server alone."""
    policy = of_kind("NetworkPolicy")["mesoguide"]["spec"]

    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert [rule["from"] for rule in policy["ingress"]] == [
        [{"podSelector": {"matchLabels": {"app": "haproxy"}}}]
    ]
    assert sorted(port["port"] for rule in policy["egress"] for port in rule["ports"]) == [53, 53, 5432, 6379]
    added = yaml.safe_load((OVERLAYS / "messaging/network.yml").read_text("utf-8"))["spec"]["egress"]
    assert [port["port"] for rule in added for port in rule["ports"]] == [443]


@pytest.mark.parametrize("file", KUSTOMIZATIONS, ids=lambda file: file.parent.name)
def test_kustomize_finds_its_files(file: Path) -> None:
    """What it names is there, and what is there is named."""
    kustomization = yaml.safe_load(file.read_text("utf-8"))
    named = {
        *kustomization["resources"],
        *(name for made in kustomization.get("configMapGenerator", []) for name in made["files"]),
    }

    assert all((file.parent / name).exists() for name in named)
    assert {other.name for other in file.parent.iterdir()} - {file.name} == {
        name for name in named if (file.parent / name).is_file()
    }
    assert all((file.parent / name / "kustomization.yml").is_file() for name in named if "/" in name)


def test_images_are_the_same_everywhere() -> None:
    """Compose and Kubernetes take the same images, by version, and our own has the project's version."""
    (version,) = re.findall(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    composed = {name: service["image"] for name, service in SERVICES.items() if name != "actions"}

    assert {name: container["image"] for name, container in CONTAINERS.items()} == composed
    assert SERVICES["actions"]["image"] == composed["mesoguide"] == f"mesoguide:{version}"
    assert f"-t mesoguide:{version} ." in CONTAINERFILE
    assert all(re.search(r":\d+\.?\d*", image) for image in composed.values())
    assert re.findall(r"^ARG PYTHON=.+:(3\.10-\S+)", CONTAINERFILE, re.MULTILINE)


def test_one_valkey_and_one_user_everywhere() -> None:
    """The two ways of running start the lock server the same way, and the product as the same user."""
    *_, composed = SERVICES["valkey"]["command"]
    *_, cluster = CONTAINERS["valkey"]["args"]

    assert composed.replace("$$", "$") == cluster
    user = PODS["mesoguide"]["spec"]["securityContext"]["runAsUser"]
    assert SERVICES["mesoguide"]["user"] == f"{user}:{user}"
    assert f"USER {user}:{user}" in CONTAINERFILE


def test_slots_are_enough() -> None:
    """HAProxy has a slot for each process that the autoscaler may start, and for one of a roll-out."""
    slots = set(re.findall(r"server-template \w+ (\d+) ", (BASE / "haproxy.cfg").read_text("utf-8")))
    most = of_kind("HorizontalPodAutoscaler")["mesoguide"]["spec"]["maxReplicas"]
    surge = WORKLOADS["mesoguide"]["spec"]["strategy"]["rollingUpdate"]["maxSurge"]

    assert [int(number) >= most + surge for number in slots] == [True]


def test_both_haproxy_files_say_the_same() -> None:
    """But for how processes are found, the containers' file is the one for processes on one machine."""

    def said(file: Path) -> list[str]:
        text = re.sub(r"resolvers names\n(  .*\n)+", "", file.read_text("utf-8"))
        lines = [line.split(" #")[0].strip() for line in text.splitlines()]
        servers = [re.sub(r"^server(?:-template)? .*?(?=maxconn)", "server ", line) for line in lines]
        return list(dict.fromkeys(line for line in servers if line and not line.startswith("#")))

    assert said(BASE / "haproxy.cfg") == said(DEPLOY / "haproxy.cfg")


def test_what_is_copied_is_there() -> None:
    """Each path that the Containerfile takes from the project is in the project and let in by .dockerignore."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", CONTAINERFILE, re.MULTILINE)
    taken = {path for line in lines for path in line.split()[:-1]}
    allowed = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text("utf-8"), re.MULTILINE)

    assert len(taken) > 10
    assert [path for path in sorted(taken) if not (ROOT / path).exists()] == []
    assert {path.split("/")[0] for path in taken} == set(allowed)


def test_the_image_starts_from_the_lock() -> None:
    """The packages are the lock file's without the developers' ones, and the last stage only copies."""
    build, last = CONTAINERFILE.split("\nFROM ")[1:]

    assert [
        line
        for line in re.findall(r"uv sync (.+?)(?: \\)?$", build, re.MULTILINE)
        if "--frozen --no-dev" not in line
    ] == []
    assert "uv " not in last and "pip install" not in last and "apt" not in last
    assert "--chown" not in last
