"""What is installed and what is loaded: known flaws, hashes, one package index, no pickle."""

from __future__ import annotations

import ast
import re
import sys
from typing import Any

import pytest
import yaml
from packaging.version import Version

from mesoguide.settings import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PACKAGES: dict[str, dict[str, Any]] = {
    package["name"]: package for package in tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))["package"]
}
ADVISORIES = yaml.safe_load((ROOT / "docs/advisories.yml").read_text("utf-8"))
OURS = {"mesoguide": ".", "en-mesoguide": "language"}
UNPICKLERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
"""Modules that make any object of bytes, and so run whatever the bytes say."""


@pytest.mark.parametrize("name", ADVISORIES["mended"])
def test_no_package_is_older_than_its_mended_version(name: str) -> None:
    """A flaw that a newer version mends does not come back with a new lock file."""
    found = ADVISORIES["mended"][name]

    assert Version(PACKAGES[name]["version"]) >= Version(str(found["version"]))
    assert found["flaw"]


@pytest.mark.parametrize("name", ADVISORIES["accepted"])
def test_an_accepted_flaw_has_a_reason(name: str) -> None:
    """Whoever reads that a flaw stays reads why; a package that has gone is taken off the list."""
    assert name in PACKAGES
    assert len(ADVISORIES["accepted"][name]["flaw"]) > 10
    assert len(ADVISORIES["accepted"][name]["reason"]) > 10


def test_every_package_is_fixed_by_hashes_of_one_index() -> None:
    """Nothing comes from git, an address or a folder but our own two packages, and each file has its SHA-256."""
    others = {name: package for name, package in PACKAGES.items() if name not in OURS}
    files = [
        file
        for package in others.values()
        for file in [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
    ]

    assert {name: PACKAGES[name]["source"] for name in OURS} == {
        name: {"editable": folder} for name, folder in OURS.items()
    }
    assert len({tuple(package["source"].items()) for package in others.values()}) == 1
    assert {key for package in others.values() for key in package["source"]} == {"registry"}
    assert all(package.get("wheels") or package.get("sdist") for package in others.values())
    assert [file for file in files if not re.fullmatch(r"sha256:[0-9a-f]{64}", file.get("hash", ""))] == []
    assert [file["url"] for file in files if not file["url"].startswith("https://")] == []


def test_what_installs_the_rest_is_one_version() -> None:
    """The first use of the project and the container take the same uv, and both take the lock as it is."""
    bootstrap = (ROOT / "bootstrap.py").read_text("utf-8")
    (first,) = re.findall(r'^UV = "uv==([\d.]+)"$', bootstrap, re.MULTILINE)

    assert f"uv=={first}\n" in (ROOT / "deploy/Containerfile").read_text("utf-8")
    assert '"--frozen"' in bootstrap


def unpickled(code: str) -> list[str]:
    """What in ``code`` would make objects of bytes, or run a text."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] in UNPICKLERS]
        elif isinstance(node, ast.ImportFrom):
            found += [node.module or ""] if (node.module or "").split(".")[0] in UNPICKLERS else []
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            given = {word.arg: ast.unparse(word.value) for word in node.keywords}
            is_numpy = called in {"np.load", "numpy.load"} and given.get("allow_pickle", "False") != "False"
            if is_numpy or called in {"eval", "exec", "torch.load", "yaml.load", "yaml.unsafe_load"}:
                found.append(called)
    return found


def test_nothing_of_ours_unpickles() -> None:
    """No file of the product reads pickled objects or runs a text that it read."""
    files = [
        path for folder in ("mesoguide", "actions", "language") for path in (ROOT / folder).rglob("*.py")
    ]
    found = {str(path.relative_to(ROOT)): unpickled(path.read_text("utf-8")) for path in files}

    assert len(files) > 50
    assert {name: what for name, what in found.items() if what} == {}


@pytest.mark.parametrize(
    "code", ["import pickle", "from joblib import load", "np.load(file, allow_pickle=True)", "eval(x)"]
)
def test_an_unpickler_would_be_found(code: str) -> None:
    """The test before this one can fail."""
    assert unpickled(code)
