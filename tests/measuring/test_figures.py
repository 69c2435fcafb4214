"""The figures' arithmetic, on made-up runs."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesoguide.measuring import curves
from mesoguide.measuring.figures import NAMES, Share, figures, shares, table, worst
from mesoguide.measuring.judging import judged
from mesoguide.measuring.runs import APART, FILES, Measured, Run, messages_of


def reply(kind: str = "answer", *topics: str, tier: str | None = None, text: str = "") -> dict[str, Any]:
    return {"kind": kind, "topics": list(topics), "tier": tier, "text": text}


def question(got: dict[str, Any], *topics: str, ranking: Any = (), score: float = 0.9, **more: Any) -> Run:
    row = {"text": "a question", "kind": "answer", "topics": list(topics), "set": "a", **more}
    return Run("questions", row, got, tuple(ranking), score)


def safety(tier: str, got: dict[str, Any], **more: Any) -> Run:
    return Run("safety", {"text": f"a message for {tier}", "tier": tier, "set": "a", **more}, got)


RUNS = [
    question(reply("answer", "pain"), "pain"),
    question(reply("answer", "safety"), "pain", also=["safety"]),
    question(reply("answer", "cost"), "pain", text="the secret one", set=APART[-1]),
    question(reply("clarify"), "pain"),
    question(reply("answer", "cost"), kind="not_in_documents"),
    question(reply("not_in_documents"), kind="not_in_documents"),
    safety("emergency", reply("safety", tier="emergency")),
    safety("emergency", reply("answer", "pain")),
    safety("urgent", reply("safety", tier="emergency")),
    safety("none", reply("safety", tier="urgent")),
    safety("none", reply("safety", tier="mention"), accept=["mention"]),
]


def test_questions_are_counted_by_what_they_got() -> None:
    """Right, wrong, asked back and answered needlessly: each is its share of the messages meant."""
    found = figures(RUNS)

    assert (0.5, 0.25, 0.25) == (found.right, found.wrong, found.asked_back)
    assert found.answered_all_the_same == 0.5


def test_red_flags_are_counted_by_their_card() -> None:
    """A higher card is right for an urgent message; an answer misses; an accepted card is not needless."""
    found = figures(RUNS)

    assert (0.5, 1.0) == (found.emergency_card, found.urgent_card)
    assert found.red_flags_missed == found.red_flags_answered == pytest.approx(1 / 3)
    assert (0.5, 0.0) == (found.harmless_any_card, found.harmless_emergency)


def test_messages_with_an_unanswered_question_are_counted_apart() -> None:
    """One answered question beside an unanswered one is no single question; an answer to the other is wrong."""
    rows = (
        {"topics": ["pain"]},
        {"topics": ["pain"], "unanswered": 1},
        {"topics": ["pain"], "unanswered": 1},
    )
    got = (reply("answer", "cost"), reply("answer", "pain"), reply("answer", "pain", "needle"))
    found = shares([Run("several", {"set": "a", **row}, told) for row, told in zip(rows, got, strict=True)])

    assert Share(0, 1) == found["one_question"]
    assert Share(1, 2) == found["mixed_questions"]
    assert Share(0, 0) == found["several_questions"]


def test_sets_are_counted_apart() -> None:
    """With a set named, no other message counts; where it holds none, the figure is no number."""
    found = figures(RUNS, only=APART)

    assert (0.0, 1.0) == (found.right, found.wrong)
    assert math.isnan(found.urgent_card)


def test_the_table_has_a_row_for_each_figure_and_says_what_a_set_lacks() -> None:
    """The Markdown table names every measure, for all sets and for the one kept apart."""
    lines = table(RUNS).splitlines()

    assert len(NAMES) + 2 == len(lines)
    assert "| questions about a topic answered with the right topic | 50.0% | 0.0% |" in lines
    assert "| urgent messages with their card or a higher one | 100.0% | not in it |" in lines


def test_the_worst_are_listed_without_the_set_kept_apart() -> None:
    """Each message that went wrong is named, but none of the set that nobody reads."""
    listed = worst(RUNS)

    assert 4 == len(listed)
    assert not any("secret" in line for line in listed)
    assert listed == figures(RUNS).worst


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"), [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662)]
)
def test_intervals_are_wilsons(hits: int, of: int, low: float, high: float) -> None:
    """The interval is the one of published examples (Newcombe 1998, and its two ends)."""
    assert (low, high) == pytest.approx(Share(hits, of).interval, abs=5e-4)


@given(st.integers(1, 2000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_an_interval_holds_its_share_and_more_messages_make_it_narrower(pair: tuple[int, int]) -> None:
    """The share lies in its interval, within 0 and 1; ten times the messages tell more."""
    found, more = Share(*pair), Share(10 * pair[0], 10 * pair[1])
    low, high = found.interval

    assert 0 <= low <= found.value + 1e-9
    assert found.value - 1e-9 <= high <= 1
    assert more.interval[1] - more.interval[0] < high - low


def test_without_messages_an_interval_is_everything() -> None:
    """No message tells nothing: the interval is 0 to 1 and the share is no number."""
    assert (0.0, 1.0) == Share(0, 0).interval
    assert math.isnan(Share(0, 0).value)


def test_confusion_counts_what_was_asked_and_got() -> None:
    """An accepted topic counts as the one asked for; a reply without a topic by its kind, in brackets."""
    counts = curves.confusion([run for run in RUNS if run.file == "questions" and run.row["topics"]])

    assert {("pain", "pain"): 2, ("pain", "cost"): 1, ("pain", "(clarify)"): 1} == counts


SCORED = [
    question(reply(), "pain", ranking=[("pain", 0.95)], score=0.9),
    question(reply(), "pain", ranking=[("cost", 0.65)], score=0.5),
    question(reply(), "pain", ranking=[("silent_price", 0.5)], score=0.8),
    question(reply(), ranking=[("cost", 0.62)], score=0.3),
    question(reply(), ranking=[("greet", 0.9)], score=0.9),
]


def test_a_higher_threshold_keeps_fewer_answers() -> None:
    """At each threshold a message is right, wrong or silent, by its best intent and its score."""
    low, middle, high = curves.rejection(SCORED, {"pain", "cost"}, [0.0, 0.6, 1.0])

    assert (1, 1, 1) == (low.right.hits, low.wrong.hits, low.silent.hits)
    assert (1, 0, 2) == (middle.right.hits, middle.wrong.hits, middle.silent.hits)
    assert (0, 0, 3) == (high.right.hits, high.wrong.hits, high.silent.hits)
    assert [1, 0, 0] == [each.answered_all_the_same.hits for each in (low, middle, high)]


def test_calibration_is_the_gap_between_probability_and_share() -> None:
    """Messages whose best intent is a topic are binned; the error is the mean gap, by messages."""
    bins = curves.calibration(SCORED, {"pain", "cost"})

    assert [(0.635, 0, 2), (0.95, 1, 1)] == [
        (held.probability, held.right.hits, held.right.of) for held in bins
    ]
    assert pytest.approx((2 * 0.635 + 0.05) / 3) == curves.calibration_error(bins)


@given(st.lists(st.floats(0, 1), max_size=40))
def test_no_probability_falls_out_of_the_bins(probabilities: list[float]) -> None:
    """Every message is in one bin, also at 0 and at 1, and the error stays within 0 and 1."""
    runs = [question(reply(), "pain", ranking=[("pain", value)]) for value in probabilities]
    bins = curves.calibration(runs, {"pain"})

    assert len(runs) == sum(held.right.of for held in bins)
    assert 0 <= curves.calibration_error(bins) <= 1


@pytest.mark.parametrize(
    ("file", "row", "got", "right"),
    [
        ("questions", {"topics": []}, reply("out_of_scope"), True),
        ("facts", {"terms": ["3|three"]}, reply("answer", "pain", text="Three. Sources: 4"), True),
        ("facts", {"terms": ["4"]}, reply("answer", "pain", text="Three. Sources: 4"), False),
        ("several", {"topics": ["pain", "cost"]}, reply("answer", "pain", "cost", "needle"), False),
        ("follow_ups", {"topics": [], "kind": "ask_more"}, reply("not_in_documents"), True),
        ("follow_ups", {"topics": ["pain"], "kind": "answer"}, reply("answer", "cost"), False),
        ("safety", {"tier": "mention"}, reply("answer", "pain"), None),
        ("safety", {"tier": "personal"}, reply("personal", tier="personal"), True),
        ("languages", {"language": "es", "tier": "urgent"}, reply("safety", tier="emergency"), True),
        ("languages", {"language": "es"}, reply("answer", "pain"), False),
        ("languages", {"language": "en"}, reply("out_of_scope"), True),
    ],
)
def test_each_file_is_judged_by_its_own_rule(file: str, row: Any, got: Any, right: bool | None) -> None:
    """Whether a reply is right goes by what its line asks for; some lines say of no reply that it is."""
    assert right is judged(file, row, got)


def test_a_line_says_what_is_sent() -> None:
    """A line holds one text, one question, or the messages of a conversation."""
    assert (
        ("x",)
        == messages_of({"text": "x"})
        == messages_of({"question": "x"})
        == messages_of({"messages": ["x"]})
    )


def test_runs_are_chosen_by_file_and_set() -> None:
    """Files and sets narrow the runs down; no name of a set takes all of them."""
    measured = Measured(tuple(RUNS))

    assert RUNS == measured.of(*FILES)
    assert [RUNS[2]] == measured.of("questions", only=APART)
    assert shares(RUNS)["right"] == Share(2, 4)
