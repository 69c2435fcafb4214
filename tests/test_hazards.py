"""The safety file is true: every hazard has its row, every proof exists, every change is listed."""

from __future__ import annotations

import ast
import hashlib
import re

from mesoguide.knowledge import load_knowledge
from mesoguide.safety import NONE, SAFETY, TIERS
from mesoguide.settings import ROOT

PAGE = (ROOT / "docs/safety.md").read_text("utf-8")
CHANGES = (ROOT / "docs/safety-changes.md").read_text("utf-8")
HAZARDS = [f"H{number:02}" for number in range(1, 31)]
PROOF = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
WAITS_FOR = ("production",)
FIXED = (
    *(tier for tier in TIERS if tier != NONE),
    "language", "reminder", "disclaimer", "disclaimer_short", "error",
)  # fmt: skip
"""The fixed texts that safety rests on."""


def rows() -> dict[str, list[str]]:
    """The hazard log: hazard → the cells of its row, without the hazard's name."""
    found = [
        re.findall(r"(?<=\|)[^|]*(?=\|)", line) for line in PAGE.splitlines() if re.match(r"\| H\d\d", line)
    ]
    return {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in found}


def open_list() -> dict[str, str]:
    """The list of open hazards: hazard → its line."""
    section = PAGE.split("\n## Open\n")[1].split("\n## ")[0]
    return dict(re.findall(r"^- (H\d\d): (.*)$", section, re.MULTILINE))


def digest() -> str:
    """SHA-256 over the safety texts and safety/*.yml as they are now."""
    notices = load_knowledge().notices
    parts = [f"{key}={notices[key]}".encode() for key in FIXED]
    parts += [path.name.encode() + b"=" + path.read_bytes() for path in sorted(SAFETY.glob("*.yml"))]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def test_every_hazard_has_one_row() -> None:
    """The log holds H01 to H30, each once and in order."""
    written = re.findall(r"^\| (H\d\d) \|", PAGE, re.MULTILINE)

    assert written == HAZARDS
    assert [name for name, cells in rows().items() if len(cells) != 5] == []


def test_every_score_has_the_documents_form() -> None:
    """Each score is severity × likelihood = risk, and the risk is that of the matrix."""
    matrix = {1: "11223", 2: "12234", 3: "22334", 4: "23345", 5: "34455"}
    wrong = [
        (name, score)
        for name, cells in rows().items()
        for score in cells[1:3]
        if not (found := re.fullmatch(r"([1-5])×([1-5])=([1-5])", score))
        or matrix[int(found[2])][int(found[1]) - 1] != found[3]
    ]

    assert wrong == []


def test_every_proof_exists() -> None:
    """Each test that the page names stands in the file that it names."""
    missing = []
    for file, name in PROOF.findall(PAGE):
        path = ROOT / file
        tree = ast.parse(path.read_text("utf-8")) if path.exists() else ast.Module([], [])
        if name not in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}:
            missing.append(f"{file}::{name}")

    assert missing == []
    assert PAGE.count("`tests/") == len(PROOF.findall(PAGE)), (
        "a proof is not written as `tests/….py::test_name`"
    )


def test_every_file_named_as_control_exists() -> None:
    """Each file that a control names is there."""
    named = {
        file for cells in rows().values() for file in re.findall(r"`([\w/.]+\.(?:py|yml|md))`", cells[3])
    }

    assert [file for file in sorted(named) if not (ROOT / file).exists()] == []


def test_a_hazard_without_a_proof_is_open() -> None:
    """What no test proves stands in the list of open hazards, and nothing else does."""
    unproved = {name for name, cells in rows().items() if not PROOF.search(cells[4])}

    assert unproved == {name for name, cells in rows().items() if cells[4] == "-"}
    assert set(open_list()) == unproved


def test_an_open_hazard_says_what_it_waits_for() -> None:
    """Each open hazard names the issue that will close it, in its row too."""
    silent = [name for name, line in open_list().items() if not any(issue in line for issue in WAITS_FOR)]
    silent += [name for name in open_list() if not any(issue in rows()[name][3] for issue in WAITS_FOR)]

    assert silent == []


def test_an_open_hazard_claims_no_lower_risk() -> None:
    """A lower risk is claimed only where a test has passed."""
    assert [name for name in open_list() if rows()[name][1] != rows()[name][2]] == []


def test_the_page_is_short() -> None:
    """The page can be read in one sitting."""
    assert len(PAGE.splitlines()) <= 170


def test_the_last_change_is_listed() -> None:
    """Whoever changes a safety text, a pattern, a cost or a language writes down what and why."""
    entries = re.findall(r"^## (\d{4}-\d\d-\d\d)$(.*?)(?=^## |\Z)", CHANGES, re.MULTILINE | re.DOTALL)
    dates = [date for date, _ in entries]
    digests = [re.findall(r"^digest: ([0-9a-f]{64})$", text, re.MULTILINE) for _, text in entries]

    assert dates == sorted(dates)
    assert [date for date, found in zip(dates, digests, strict=True) if len(found) != 1] == []
    assert [date for date, text in entries if not ("What: " in text and "Why: " in text)] == []
    assert digests[-1] == [digest()], (
        "A safety text (knowledge/notices.yml) or a file of safety/*.yml has changed. Have the change"
        " reviewed, then add an entry at the end of docs/safety-changes.md: '## <date>', 'What: …', 'Why: …' and"
        f" 'digest: {digest()}'"
    )
