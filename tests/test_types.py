from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesoguide.types import Memory, Question, Reply
from tests.samples import KNOWLEDGE, TOPICS, ask, question, topic

TEXTS = st.lists(st.text(), max_size=4).map(tuple)
SCORES = st.lists(st.tuples(st.text(), st.floats(-1, 1)), max_size=4).map(tuple)
MEMORIES = st.builds(Memory, topics=TEXTS, told=TEXTS, asked=TEXTS)
QUESTIONS = st.builds(
    Question, text=st.text(), intent=st.text(), sure=st.booleans(),
    ranking=SCORES, focus=SCORES, names=TEXTS,
)  # fmt: skip


@given(MEMORIES)
def test_memory_survives_the_tracker(memory: Memory) -> None:
    """A memory comes back from the slot's JSON as it was."""
    assert memory == Memory.from_dict(json.loads(json.dumps(memory.to_dict())))


def test_no_memory_is_an_empty_one() -> None:
    """A slot that was never set, or is empty, is a memory of nothing."""
    assert Memory() == Memory.from_dict(None)
    assert Memory() == Memory.from_dict({})


@given(QUESTIONS)
def test_question_survives_the_pipeline(asked: Question) -> None:
    """A question comes back from the parse result's JSON as it was."""
    assert asked == Question.from_dict(json.loads(json.dumps(dataclasses.asdict(asked))))


def test_question_needs_only_text_intent_and_sureness() -> None:
    """What the pipeline did not find may be left out."""
    expected = Question("does it hurt?", "pain", sure=True)

    assert expected == Question.from_dict({"text": "does it hurt?", "intent": "pain", "sure": True})


@pytest.mark.parametrize("name", TOPICS)
def test_reply_is_json(name: str) -> None:
    """A reply is plain JSON and holds every field of the reply contract."""
    reply = ask(name)[0].to_dict()

    assert reply == json.loads(json.dumps(reply))
    assert {field.name for field in dataclasses.fields(Reply)} == reply.keys()


def test_topic_lists_each_statement_once() -> None:
    """A topic's statements are told in the order lead, sides, more, and none twice."""
    made = topic(lead=("a", "b"), sides=("c",), more=("b", "d"), why=("e",))

    assert ("a", "b", "c", "d") == made.statements


@pytest.mark.parametrize("thing", [question("pain"), Memory(), KNOWLEDGE, ask("pain")[0]])
def test_things_are_frozen(thing: object) -> None:
    """What travels through the rooms can't be changed on the way."""
    name = dataclasses.fields(thing)[0].name  # type: ignore[arg-type]
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(thing, name, "other")
