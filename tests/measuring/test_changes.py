"""What `mesoguide diff` finds between two versions, and where it takes them from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesoguide.errors import DataError
from mesoguide.measuring import answers, versions
from mesoguide.measuring.answers import Answer
from mesoguide.measuring.changes import Comparison, compare, summary, words
from mesoguide.measuring.runs import APART, Run
from mesoguide.settings import ROOT

PAIN = Answer("answer", ("pain",), None, ("guide.pain",), "It hurts a bit.")
COST = Answer("answer", ("cost",), None, ("review.cost",), "It costs a lot.")
SILENT = Answer("not_in_documents", (), None, (), "I will not guess.")


def row(text: str, *topics: str, of: str = "a") -> dict[str, object]:
    return {"text": text, "kind": "answer", "topics": list(topics), "set": of}


def compared(*asked: tuple[dict[str, object], Answer, Answer]) -> Comparison:
    rows = {f"questions-{at}": ("questions", line) for at, (line, _, _) in enumerate(asked)}
    names = list(rows)
    old = {name: before for name, (_, before, _) in zip(names, asked, strict=True)}
    new = {name: after for name, (_, _, after) in zip(names, asked, strict=True)}
    return compare(old, new, rows)


def test_what_stays_the_same_is_not_listed() -> None:
    """The same answer is no change."""
    found = compared((row("does it hurt?", "pain"), PAIN, PAIN))

    assert (1, ()) == (found.compared, found.changes)
    assert "1 messages compared: none changed" in summary(found)


def test_a_change_is_named_by_the_first_thing_that_differs() -> None:
    """Another topic, other statements of the same topic, or other words of the same statements."""
    found = compared(
        (row("a", "pain"), PAIN, COST),
        (row("b", "pain"), PAIN, replace(PAIN, statements=("guide.pain", "review.pain"), text="More.")),
        (row("c", "pain"), PAIN, replace(PAIN, text="It hurts.")),
    )

    assert {"a": "reply", "b": "statements", "c": "text"} == {
        change.messages[0][0]: change.what for change in found.changes
    }


def test_what_became_wrong_stands_first() -> None:
    """The evaluation's own labels say what got worse and what got better."""
    found = compared(
        (row("same", "pain"), PAIN, replace(PAIN, text="It hurts.")),
        (row("better", "pain"), SILENT, PAIN),
        (row("worse", "pain"), PAIN, SILENT),
        (row("worse too"), SILENT, PAIN),
    )

    assert ["worse", "worse", "better", "same"] == [change.turn for change in found.changes]
    assert "2 became wrong, 1 became right" in summary(found)


def test_one_change_of_many_answers_is_listed_once() -> None:
    """The same old and new answer to several messages is one change with all of them."""
    new = replace(PAIN, text="It hurts.")
    found = compared(
        (row("a", "pain"), PAIN, new), (row("b", "pain"), PAIN, new), (row("c", "pain"), COST, new)
    )

    assert [1, 2] == [len(change.messages) for change in found.changes]
    assert 3 == found.counts["changed"]


def test_the_set_kept_apart_is_counted_and_not_shown() -> None:
    """A message that nobody may read changes the sums and stands in no list."""
    found = compared((row("secret", "pain", of=APART[0]), PAIN, COST), (row("open", "pain"), PAIN, COST))

    assert [("open",)] == [said for change in found.changes for said in change.messages]
    assert (2, 1) == (found.counts["worse"], found.apart["worse"])


def test_what_only_one_version_answered_is_counted() -> None:
    """Answers without a partner, or whose message is gone, are not compared but told."""
    rows = {"questions-1": ("questions", row("a", "pain"))}
    found = compare(
        {"questions-1": PAIN, "questions-2": PAIN, "x": PAIN}, {"questions-1": PAIN, "y": COST}, rows
    )

    assert (1, 2, 1) == (found.compared, found.only_old, found.only_new)
    assert "2 answers are in the old version alone" in summary(found)


@given(st.text("ab \n", max_size=30), st.text("ab \n", max_size=30))
def test_marked_words_hold_both_texts(old: str, new: str) -> None:
    """Without what is new the pieces are the old text, without what is gone they are the new one."""
    pieces = words(old, new)

    assert old == "".join(text for kind, text in pieces if kind != "new")
    assert new == "".join(text for kind, text in pieces if kind != "gone")


def test_neighbouring_words_are_marked_as_one() -> None:
    """Three words that became two others are one piece that is gone and one that is new."""
    expected = [("kept", "It is "), ("gone", "close to painless."), ("new", "nearly free.")]

    assert expected == words("It is close to painless.", "It is nearly free.")


def test_answers_come_back_from_their_file(tmp_path: Path) -> None:
    """What is written is what is read; the file holds no message."""
    reply = {"kind": "answer", "topics": ["pain"], "tier": None, "statements": ["guide.pain"],
             "text": "It hurts a bit.", "buttons": []}  # fmt: skip
    kept = answers.of_runs([Run("questions", row("does it hurt?", "pain"), reply)])
    answers.write(tmp_path / "answers.jsonl", kept)

    assert [PAIN] == list(kept.values())
    assert kept == answers.read(tmp_path / "answers.jsonl")
    assert kept == versions.answers_of(str(tmp_path / "answers.jsonl"), {}, print)
    assert "does it hurt" not in (tmp_path / "answers.jsonl").read_text("utf-8")


@pytest.mark.parametrize(
    "line", ["no json", "[]", '{"id": "x"}', '{"id": "x", "kind": "answer", "topics": 5}']
)
def test_a_line_that_is_no_answer_is_refused(line: str, tmp_path: Path) -> None:
    """The file, the line and a mend are named."""
    (tmp_path / "answers.jsonl").write_text(f"{line}\n", "utf-8")

    with pytest.raises(DataError, match=r"answers.jsonl:1"):
        answers.read(tmp_path / "answers.jsonl")


def test_a_key_stays_when_lines_move() -> None:
    """A message is known by its file and its words, not by its line; each has a key of its own."""
    rows = answers.rows()

    assert answers.key("questions", ("x",)) != answers.key("facts", ("x",))
    assert answers.key("follow_ups", ("a", "b")) != answers.key("follow_ups", ("ab",))
    assert all(name.startswith(file) for name, (file, _) in rows.items())
    assert len(rows) > 4000


@pytest.mark.parametrize("version", ["no-such-thing", "--output=x", ""])
def test_what_is_no_version_is_refused(version: str) -> None:
    """Neither a file, nor a folder, nor a revision: the text says so, and nothing is run."""
    with pytest.raises(versions.NoVersionError, match="no git revision"):
        versions.answers_of(version, {}, print)


def test_a_revision_is_put_aside_and_removed() -> None:
    """The files of a commit are there to be asked, without its history, and gone afterwards."""
    with versions._revision("HEAD") as folder:
        assert (folder / "knowledge" / "topics.yml").is_file()
        assert not (folder / ".git").exists()
        assert folder != ROOT
    assert not folder.exists()
