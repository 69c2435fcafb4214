from __future__ import annotations

from mesoguide.errors import DataError, Problem
from mesoguide.types import Place

ERROR = Problem(Place("topics.yml", 7), "'label' is missing", "Write label: …")
WARNING = Problem(Place("guide.yml", 1), "it is old", "Read it again", warning=True)


def test_place_reads_as_file_and_line() -> None:
    """A place is written as editors and terminals link it."""
    assert "topics.yml:7" == str(ERROR.place)


def test_problem_names_place_fault_and_mend() -> None:
    """A problem is one line: where, how bad, what, and how to mend it."""
    assert "topics.yml:7: error: 'label' is missing. Write label: …." == str(ERROR)
    assert "guide.yml:1: warning: it is old. Read it again." == str(WARNING)


def test_error_lists_every_problem() -> None:
    """An error prints all its problems, a line each, in the order in which they were found."""
    error = DataError([ERROR, WARNING])

    assert (ERROR, WARNING) == error.problems
    assert f"{ERROR}\n{WARNING}" == str(error)
