from __future__ import annotations

import re

import pytest

from mesoguide.rasa_host.readme import between, renewed
from mesoguide.settings import ROOT

README = (ROOT / "README.md").read_text("utf-8")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
LONGEST = 170
"""Lines of a README that is read to its end."""
CHART = (
    "1a,1b,2a,2b,3a,3b,4a,4b,4c,5a,5a i,5a ii,5a iii,5b,6a,6b,6c,6d,7a,7b,7b i,7b ii,7b iii,8,"
    "9a,9a i,10a,10b,10c,11a,11b,11c,12a,12b,12c,12c i,12c ii,12d,12e"
).split(",")
"""Items of the checklist that docs/reporting-card.md follows (BMJ Medicine 2025, 4:e001632)."""


def named_files() -> list[str]:
    """Every file or folder that the README names as code, but what is built and not in git."""
    built = tuple(line for line in (ROOT / ".gitignore").read_text("utf-8").split() if line[:1] != "*")
    named = re.findall(r"`([\w.*/-]*(?:/|\.(?:md|yml|py|toml|lock|jsonl))[\w.*/-]*)`", README)
    return sorted({name for name in named if not name.startswith(built)})


def links() -> list[tuple[str, str]]:
    """Every page with each relative link in it."""
    found = {
        (page.name, str((page.parent / target).resolve().relative_to(ROOT)))
        for page in PAGES
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8"))
    }
    return sorted(found)


def test_readme_names_only_targets_that_the_makefile_has() -> None:
    """Every `make …` of the README can be typed."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", README, re.MULTILINE))

    assert {"chat", "test"} <= named
    assert set() == named - targets


@pytest.mark.parametrize("name", named_files())
def test_readme_names_only_files_that_are_there(name: str) -> None:
    """Every file and folder of the README can be opened."""
    assert [] != list(ROOT.glob(name.rstrip("/")))


@pytest.mark.parametrize(("page", "target"), links())
def test_every_link_between_pages_leads_somewhere(page: str, target: str) -> None:
    """A link to a file of the project opens that file."""
    assert (ROOT / target).exists()


def test_readme_is_read_to_its_end() -> None:
    """The README stays within its length."""
    assert len(README.splitlines()) <= LONGEST


def test_the_reporting_card_leaves_out_no_item() -> None:
    """Each of the 39 parts of the CHART checklist has its row, with an answer in it."""
    card = (ROOT / "docs" / "reporting-card.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+[a-e]?(?: i+)?) [^|]+\| [^|]{20,} \|$", card, re.MULTILINE)

    assert 39 == len(CHART)
    assert CHART == rows


def test_what_stands_between_markers_is_renewed() -> None:
    """Only the text between the markers changes, and it can be read back."""
    text = "before\n<!-- eval: begin -->\nold \\1\n<!-- eval: end -->\nafter\n"
    new = renewed(text, {"eval": r"new \1"})

    assert r"new \1" == between(new, "eval")
    assert text == renewed(new, {"eval": "old \\1"})


@pytest.mark.parametrize("text", ["", "<!-- eval: begin -->", "<!-- eval: begin --><!-- eval: end -->" * 2])
def test_missing_or_doubled_markers_are_refused(text: str) -> None:
    """Without its markers, once each, nothing is rewritten."""
    with pytest.raises(ValueError, match="eval: begin"):
        renewed(text, {"eval": "new"})
