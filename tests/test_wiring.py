"""Everything is connected: topics, intents, examples, rules, stories, questions, statements."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import yaml

from mesoguide.checks import asked_problems
from mesoguide.evaluation_data import questions
from mesoguide.follow_up import NAMED, SILENT
from mesoguide.knowledge import load_knowledge
from mesoguide.reply import SMALL_TALK, STARTERS
from mesoguide.settings import ROOT

TOPICS = set(
    "definition mechanism ingredients benefits procedure consultation session_duration session_count"
    " session_spacing results_time results_vary permanence pain side_effects infection_risk safety"
    " downtime suitability contraindications practitioner evidence compare_minoxidil"
    " compare_finasteride compare_prp compare_transplant compare_treatments cost combination"
    " needle".split()
)
"""The names that the reply contract fixes."""


UNTRAINED = {"nlu_fallback", "safety_stop"}
"""Intents that components set."""


@lru_cache
def read(name: str) -> dict:
    return yaml.safe_load((ROOT / name).read_text("utf-8"))


def intents() -> set[str]:
    """Every intent of the domain that is trained."""
    return set(read("domain.yml")["intents"]) - UNTRAINED


def examples() -> dict[str, list[str]]:
    return {block["intent"]: block["examples"].splitlines() for block in read("data/nlu.yml")["nlu"]}


def steps(name: str, kind: str) -> set[str]:
    """Intents that the rules or stories in a file hold."""
    found: set[str] = set()
    for entry in read(name)[kind]:
        for step in entry["steps"]:
            for option in step.get("or", [step]):
                found.update([option["intent"]] if "intent" in option else [])
    return found


def test_the_topics_are_those_of_the_contract() -> None:
    """The 29 topics have the names that the contract fixes, and no others."""
    assert set(load_knowledge().topics) == TOPICS


def test_every_topic_is_an_intent_with_examples() -> None:
    """Each topic can be recognised: it is an intent with at least 100 training messages."""
    poor = {name: len(examples().get(name, [])) for name in TOPICS if len(examples().get(name, [])) < 100}

    assert poor == {}


def test_questions_asked_for_a_statement_are_training_lines() -> None:
    """A question that leads to a statement is trained on, under a topic that tells it; others are named."""
    knowledge = load_knowledge()
    name, statement = next((n, s) for n, s in knowledge.statements.items() if s.asked)
    stray = replace(statement, asked=("what nobody ever wrote",))
    changed = replace(knowledge, statements={**knowledge.statements, name: stray})

    assert list(asked_problems(knowledge, examples())) == []
    (problem,) = asked_problems(changed, examples())
    assert (problem.place, "what nobody ever wrote" in problem.wrong) == (statement.place, True)


def test_every_intent_has_examples_and_every_example_an_intent() -> None:
    """Domain and training data name the same intents."""
    assert intents() == set(examples())


def test_every_intent_has_a_rule() -> None:
    """No intent is without a rule, and no rule names an unknown one."""
    assert intents() | UNTRAINED == steps("data/rules.yml", "rules")


def test_every_intent_stands_in_a_story() -> None:
    """Each intent is met in at least one conversation that runs as a test."""
    assert intents() == steps("data/stories.yml", "stories")


def test_every_topic_has_evaluation_questions() -> None:
    """Each topic is asked for by at least ten questions written apart from the training data."""
    asked = [topic for question in questions() for topic in question["topics"]]

    assert {topic: asked.count(topic) for topic in TOPICS if asked.count(topic) < 10} == {}
    assert set(asked) <= TOPICS


def test_every_intent_that_is_no_topic_has_a_way_to_be_answered() -> None:
    """What is no topic is silent, a follow-up, small talk, the clinic's, or out of scope."""
    others = {name for name in intents() - TOPICS if not name.startswith((SILENT, "ask_"))}

    assert others == {*SMALL_TALK, "clinic", "human", "out_of_scope"}


def test_every_name_in_a_follow_up_leads_to_a_topic() -> None:
    """Each term that a follow-up can name is in the entity rules and leads to a topic."""
    terms = read("language/en_mesoguide/terms.yml")
    known = {name for names in terms.values() for name in names}

    assert set(NAMED) <= known
    assert set(NAMED.values()) <= TOPICS


def test_every_suggested_question_is_in_no_training_line_twice() -> None:
    """The questions offered as buttons are plain text without a payload."""
    offered = {*STARTERS, *(text for topic in load_knowledge().topics.values() for text in topic.next)}

    assert [text for text in offered if text.startswith("/") or len(text) > 60] == []
