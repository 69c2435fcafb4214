from __future__ import annotations

from pathlib import Path

import pytest

from mesoguide.errors import DataError, Problem
from mesoguide.types import Place
from mesoguide.yaml_lines import Lines, load


def written(folder: Path, text: str) -> Path:
    path = folder / "data.yml"
    path.write_text(text, "utf-8")
    return path


def problem(path: Path) -> Problem:
    with pytest.raises(DataError) as caught:
        load(path, "data.yml")
    (only,) = caught.value.problems
    return only


def test_reads_what_yaml_holds(tmp_path: Path) -> None:
    """A mapping comes back as plain YAML gives it."""
    content = load(written(tmp_path, "a: 1\nb: [x, y]\nc:\n  d: text\n"))

    assert {"a": 1, "b": ["x", "y"], "c": {"d": "text"}} == content


def test_each_key_knows_its_line(tmp_path: Path) -> None:
    """A key's place is the line it stands on, comments and empty lines counted."""
    content = load(written(tmp_path, "# first\na: 1\n\nb:\n  c: 2\n"), "data.yml")

    assert Place("data.yml", 2) == content.place("a")
    assert Place("data.yml", 4) == content.place("b")
    assert Place("data.yml", 5) == content["b"].place("c")


def test_missing_key_is_placed_at_its_mapping(tmp_path: Path) -> None:
    """A key that is not there is reported where its mapping starts."""
    content = load(written(tmp_path, "a: 1\nb:\n  c: 2\n  d: 3\n"), "data.yml")

    assert Place("data.yml", 1) == content.place()
    assert Place("data.yml", 3) == content["b"].place("missing")


def test_mappings_in_lists_know_their_lines(tmp_path: Path) -> None:
    """A mapping inside a list is a Lines too."""
    content = load(written(tmp_path, "a:\n- b: 1\n- b: 2\n"), "data.yml")

    assert isinstance(content["a"][1], Lines)
    assert Place("data.yml", 3) == content["a"][1].place("b")


def test_is_shown_as_its_path_by_default(tmp_path: Path) -> None:
    """Without another name, a place gives the path that was read."""
    path = written(tmp_path, "a: 1\n")

    assert Place(str(path), 1) == load(path).place("a")


def test_refuses_a_key_that_stands_twice(tmp_path: Path) -> None:
    """A second key of the same name is refused; the error names both lines."""
    found = problem(written(tmp_path, "a: 1\nb: 2\na: 3\n"))

    assert Place("data.yml", 3) == found.place
    assert "'a' stands twice, first on line 1" == found.wrong
    assert "Keep one of the two" == found.mend


def test_allows_one_key_in_two_mappings(tmp_path: Path) -> None:
    """The same key in two mappings is no doublet."""
    content = load(written(tmp_path, "a:\n  x: 1\nb:\n  x: 2\n"))

    assert {"a": {"x": 1}, "b": {"x": 2}} == content


def test_names_the_line_that_is_not_yaml(tmp_path: Path) -> None:
    """A file that is no YAML gives the line that the reader stumbled over."""
    found = problem(written(tmp_path, "a: 1\nb: [x\n"))

    assert "data.yml" == found.place.file
    assert 3 == found.place.line
    assert found.wrong.startswith("this is not YAML")


@pytest.mark.parametrize("text", ["", "# only a comment\n", "- a\n- b\n", "just text\n"])
def test_refuses_what_is_no_mapping(tmp_path: Path, text: str) -> None:
    """Nothing, a list and a text are refused: data files are mappings."""
    found = problem(written(tmp_path, text))

    assert Place("data.yml", 1) == found.place
    assert "it holds no mapping" == found.wrong


def test_refuses_a_file_that_is_missing(tmp_path: Path) -> None:
    """A file that is not there is an error in our own words, with the system's as its cause."""
    found = problem(tmp_path / "data.yml")

    assert Place("data.yml", 1) == found.place
    assert found.wrong.startswith("it can't be read")
    assert "Put the file there, in UTF-8" == found.mend


def test_refuses_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    """A file in another encoding is refused, not read with wrong letters."""
    path = tmp_path / "data.yml"
    path.write_bytes("a: caf\xe9\n".encode("latin-1"))

    assert problem(path).wrong.startswith("it can't be read")


def test_makes_no_objects(tmp_path: Path) -> None:
    """A YAML tag that would run code is refused."""
    found = problem(written(tmp_path, "a: !!python/object/apply:os.getcwd []\n"))

    assert Place("data.yml", 1) == found.place
    assert found.wrong.startswith("this is not YAML")


def test_refuses_a_control_character(tmp_path: Path) -> None:
    """A character that YAML forbids is an error with its file."""
    assert "data.yml" == problem(written(tmp_path, "a: 1\nb: \x07\n")).place.file


def test_refuses_a_mapping_as_key(tmp_path: Path) -> None:
    """A text that starts with two braces, unquoted, is an error with its line."""
    assert Place("data.yml", 2) == problem(written(tmp_path, "a: 1\nb: {{clinic}}\n")).place


def test_refuses_a_number_that_stands_twice(tmp_path: Path) -> None:
    """Keys that YAML does not read as text are compared too."""
    assert Place("data.yml", 2) == problem(written(tmp_path, "1: a\n1: b\n")).place
