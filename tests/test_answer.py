from __future__ import annotations

from dataclasses import replace

import pytest

from mesoguide.answer import (
    AHEAD,
    FOCUS,
    MOST_DETAILS,
    answer,
    brief_answer,
    of_document,
    plain_answer,
    reasons,
    rest,
    short_answer,
)
from mesoguide.types import NEAR, Memory
from tests.samples import DIFFERING, KNOWLEDGE, NOTHING, TOPICS, question, says, speakers, topic

ROOM = 700
PLAIN = question("any")


def differ(name: str) -> str:
    return KNOWLEDGE.notices["differ"].format(differ_on=KNOWLEDGE.topics[name].differ_on)


@pytest.mark.parametrize("name", TOPICS)
def test_short_answer_comes_first(name: str) -> None:
    """Lead and sides are all said, whatever room there is, and before any detail."""
    asked = KNOWLEDGE.topics[name]
    passage = answer(asked, PLAIN, KNOWLEDGE, room=0)

    assert (*asked.lead, *asked.sides) == passage.statements
    assert [] == [line for line in passage.lines if line.startswith("•")]


@pytest.mark.parametrize("name", TOPICS)
def test_answer_says_the_statements_that_it_lists(name: str) -> None:
    """What a passage says and the ids that it gives are the same, each id once."""
    passage = answer(KNOWLEDGE.topics[name], PLAIN, KNOWLEDGE, room=ROOM)
    text = "\n".join(passage.lines)

    assert [] == [statement for statement in passage.statements if says(statement) not in text]
    assert len(set(passage.statements)) == len(passage.statements)


@pytest.mark.parametrize("name", TOPICS)
def test_every_line_says_whose_words_it_gives(name: str) -> None:
    """A statement never stands without its document: no fact is told in the bot's own name."""
    asked = KNOWLEDGE.topics[name]
    own = {asked.open, differ(name)}
    speaking = tuple(
        f"{start}{document.name} says" for document in KNOWLEDGE.documents.values() for start in ("", "• ")
    )
    lines = answer(asked, PLAIN, KNOWLEDGE, room=ROOM).lines

    assert [] == [line for line in lines if line not in own and not line.startswith(speaking)]


@pytest.mark.parametrize("name", DIFFERING)
@pytest.mark.parametrize("form", ["full", "short"])
def test_both_sides_are_said_where_documents_differ(name: str, form: str) -> None:
    """A topic on which they differ gives a side of each, and says on what they differ."""
    asked = KNOWLEDGE.topics[name]
    full = answer(asked, PLAIN, KNOWLEDGE, room=0)
    passage = full if form == "full" else short_answer(asked, KNOWLEDGE)

    assert 1 < len(speakers([n for n in passage.statements if n in asked.sides]))
    assert differ(name) in passage.lines


def test_statements_of_one_document_stand_together() -> None:
    """Sides are grouped by document, so that each is named once."""
    asked = topic(
        lead=(), sides=("guide.procedure.pain", "review.faq.pain", "guide.benefits.comfort"), differ_on="x"
    )
    lines = answer(asked, PLAIN, KNOWLEDGE, room=0).lines
    guide = f"The guide says {says('guide.procedure.pain')}. It also says {says('guide.benefits.comfort')}."

    assert (guide, f"The review says {says('review.faq.pain')}.") == lines[:2]


@pytest.mark.parametrize("name", TOPICS)
@pytest.mark.parametrize("room", [300, 500, ROOM])
def test_details_keep_to_the_room(name: str, room: int) -> None:
    """Details are only added while there is room."""
    asked = KNOWLEDGE.topics[name]
    least = sum(map(len, answer(asked, PLAIN, KNOWLEDGE, room=0).lines))

    assert sum(map(len, answer(asked, PLAIN, KNOWLEDGE, room=room).lines)) <= max(room, least)


@pytest.mark.parametrize("name", TOPICS)
def test_details_are_few(name: str) -> None:
    """However much room there is, an answer lists five details at most."""
    lines = answer(KNOWLEDGE.topics[name], PLAIN, KNOWLEDGE, room=10_000).lines

    assert MOST_DETAILS >= sum(line.startswith("•") for line in lines)


def test_what_is_asked_for_comes_before_other_details() -> None:
    """A detail that the question is after is listed first."""
    asked = KNOWLEDGE.topics["side_effects"]
    last = asked.more[-1]
    passage = answer(asked, question("x", focus=[(asked.lead[0], 0.5), (last, FOCUS)]), KNOWLEDGE, room=ROOM)

    assert f"• The review says {says(last)}." == next(line for line in passage.lines if "•" in line)


def test_what_is_asked_for_is_told_even_without_room() -> None:
    """The detail that the question is after is not left out to save room."""
    asked = KNOWLEDGE.topics["side_effects"]
    last = asked.more[-1]
    passage = answer(asked, question("x", focus=[(asked.lead[0], 0.5), (last, 0.4)]), KNOWLEDGE, room=0)

    assert last in passage.statements


def test_detail_that_answers_better_is_said_first() -> None:
    """A detail clearly nearer than the short answer opens the reply; the short answer follows."""
    asked = KNOWLEDGE.topics["side_effects"]
    detail = asked.more[-1]
    near = question("x", focus=[(detail, 0.5 + AHEAD), (asked.lead[0], 0.5)])
    about = question("x", focus=[(detail, 0.49 + AHEAD), (asked.lead[0], 0.5)])

    assert (detail, *asked.lead) == answer(asked, near, KNOWLEDGE, room=0).statements
    assert (*asked.lead, detail) == answer(asked, about, KNOWLEDGE, room=0).statements


def test_statement_of_another_topic_is_told_only_when_near() -> None:
    """A topic's reply takes a statement from elsewhere only where it is what was asked."""
    asked, other = KNOWLEDGE.topics["pain"], "review.compared.prp_cost"
    near = question("x", focus=[(other, NEAR)])
    far = question("x", focus=[(other, NEAR - 0.01)])

    assert other in answer(asked, near, KNOWLEDGE, room=0).statements
    assert other not in answer(asked, far, KNOWLEDGE, room=10_000).statements


def test_what_the_documents_leave_open_closes_the_answer() -> None:
    """The topic's fixed text stands last."""
    asked = replace(KNOWLEDGE.topics["pain"], open="Neither says more.")
    lines = answer(asked, PLAIN, KNOWLEDGE, room=ROOM).lines

    assert "Neither says more." == lines[-1]


@pytest.mark.parametrize("name", TOPICS)
def test_short_answer_is_lead_and_sides(name: str) -> None:
    """ "Say it simply" gives the short answer and no detail."""
    asked = KNOWLEDGE.topics[name]

    assert {*asked.lead, *asked.sides} == {*short_answer(asked, KNOWLEDGE).statements}


@pytest.mark.parametrize("name", TOPICS)
def test_brief_answer_has_a_statement_of_each_document(name: str) -> None:
    """The briefest answer still lets every document of the short answer speak, once."""
    asked = KNOWLEDGE.topics[name]
    statements = brief_answer(asked, PLAIN, KNOWLEDGE).statements

    assert speakers([*asked.lead, *asked.sides]) == speakers(statements)
    assert len(speakers(statements)) == len(statements)


@pytest.mark.parametrize("name", DIFFERING)
def test_brief_answer_gives_both_sides(name: str) -> None:
    """Where documents differ, the briefest answer gives a side of each, and says so."""
    asked = KNOWLEDGE.topics[name]
    passage = brief_answer(asked, PLAIN, KNOWLEDGE)

    assert 1 < len(speakers([n for n in passage.statements if n in asked.sides]))
    assert KNOWLEDGE.notices["differ_brief"] == passage.lines[-1]


def test_brief_answer_keeps_what_was_asked_for() -> None:
    """The one detail that answers best is in the briefest answer too."""
    asked = KNOWLEDGE.topics["pain"]

    assert (
        asked.more[0]
        == brief_answer(asked, question("x", focus=[(asked.more[0], 0.5)]), KNOWLEDGE).statements[0]
    )


def test_rest_goes_on_where_the_answer_stopped() -> None:
    """ "Tell me more" tells what was not told, in the topic's order."""
    asked = KNOWLEDGE.topics["benefits"]
    told = asked.statements[:5]

    assert asked.statements[5:7] == rest(asked, Memory(told=told), KNOWLEDGE, room=ROOM).statements[:2]


@pytest.mark.parametrize("name", TOPICS)
def test_rest_is_empty_when_all_is_told(name: str) -> None:
    """A topic that is told to the end has no more."""
    asked = KNOWLEDGE.topics[name]

    assert () == rest(asked, Memory(told=asked.statements), KNOWLEDGE, room=ROOM).statements


@pytest.mark.parametrize("name", TOPICS)
def test_rest_keeps_to_the_room(name: str) -> None:
    """Of a long topic, only as much is told as there is room for."""
    lines = rest(KNOWLEDGE.topics[name], NOTHING, KNOWLEDGE, room=300).lines

    assert sum(map(len, lines)) <= 300


@pytest.mark.parametrize("name", TOPICS)
def test_reasons_are_the_recorded_ones(name: str) -> None:
    """ "Why?" is answered with the topic's reasons, or with nothing at all."""
    asked = KNOWLEDGE.topics[name]
    passage = reasons(asked, KNOWLEDGE)

    assert asked.why == passage.statements
    assert bool(asked.why) == bool(passage.lines)


@pytest.mark.parametrize("name", TOPICS)
def test_plain_answer_is_the_short_one_and_what_is_left_open(name: str) -> None:
    """Without details both sides or the lead stay, and so does what the documents leave open."""
    asked = KNOWLEDGE.topics[name]
    passage = plain_answer(asked, PLAIN, KNOWLEDGE)

    assert {*asked.lead, *asked.sides} == {*passage.statements}
    assert (asked.open in passage.lines) is bool(asked.open)


def test_plain_answer_tells_a_lead_once_and_sides_always() -> None:
    """What stands in the bubble already is not led with again; two sides stay whole."""
    lead, sides = KNOWLEDGE.topics["side_effects"], KNOWLEDGE.topics["infection_risk"]

    assert lead.lead[1:] == plain_answer(lead, PLAIN, KNOWLEDGE, told=lead.lead[:1]).statements
    assert lead.lead == plain_answer(lead, PLAIN, KNOWLEDGE, told=lead.lead).statements
    assert {*sides.sides} == {*plain_answer(sides, PLAIN, KNOWLEDGE, told=sides.sides).statements}


@pytest.mark.parametrize("name", TOPICS)
def test_one_document_alone_still_says_what_is_left_open(name: str) -> None:
    """What a topic leaves open is said with the statements of one document too."""
    asked = KNOWLEDGE.topics[name]
    own = of_document(asked, "review", KNOWLEDGE)
    passage = answer(own, question(name), KNOWLEDGE, room=ROOM)

    assert {"review"} >= {*speakers(passage.statements)}
    assert (asked.open in passage.lines) is bool(asked.open and passage.statements)
