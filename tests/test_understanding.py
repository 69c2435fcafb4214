from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesoguide.reply import CLARIFY, UNCLEAR
from mesoguide.types import NEAR, Question
from mesoguide.understanding import HARDLY_NEAR, OF_ANOTHER, VERY_NEAR, focus, questions, settle
from tests.samples import KNOWLEDGE, TOPICS, question

FAR = dict.fromkeys(KNOWLEDGE.statements, 0.1)
INTENTS = st.sampled_from([*TOPICS, "silent_dose", "silent_risk", "greet", "clinic", UNCLEAR])
RANKINGS = st.dictionaries(INTENTS, st.floats(0, 1), max_size=6).map(
    lambda weights: sorted(weights.items(), key=lambda pair: -pair[1])
)
QUESTIONS = st.builds(
    lambda intent, sure, ranking: question(intent, sure=sure, ranking=ranking),
    INTENTS, st.booleans(), RANKINGS,
)  # fmt: skip


def sure(intent: str) -> Question:
    """Make a question that is about nothing else."""
    return question(intent, ranking=[(intent, 1.0)])


def settled(*ranking: tuple[str, float], sure: bool = True) -> str:
    """Settle a question with this ``ranking``; return what it is then."""
    return settle(question(ranking[0][0], sure=sure, ranking=ranking), TOPICS).intent


def asked(whole: Question, *parts: Question) -> list[str]:
    """Return what the questions of a message are about."""
    return [found.intent for found in questions(whole, parts, TOPICS)]


def test_sure_topic_stays() -> None:
    """A topic that is far ahead is what was asked."""
    assert "pain" == settled(("pain", 0.8), ("safety", 0.1))


def test_sure_intent_that_is_no_topic_stays() -> None:
    """A greeting is a greeting, whatever topics come behind it."""
    assert "greet" == settled(("greet", 0.4), ("pain", 0.39), ("safety", 0.21))


def test_silent_kinds_count_together() -> None:
    """A topic must be likelier than all kinds of unanswered questions together."""
    assert "silent_a" == settled(("pain", 0.4), ("silent_a", 0.3), ("silent_b", 0.2))
    assert "pain" == settled(("pain", 0.51), ("silent_a", 0.3), ("silent_b", 0.2))


def test_two_topics_as_likely_ask_back() -> None:
    """Between two topics that are about as likely, the user is asked."""
    assert CLARIFY == settled(("pain", 0.4), ("needle", 0.31))
    assert "pain" == settled(("pain", 0.4), ("needle", 0.29))


def test_unsure_between_topics_asks_back() -> None:
    """A rejected message that is most likely about one of two topics asks which."""
    assert CLARIFY == settled(("pain", 0.4), ("needle", 0.3), ("greet", 0.3), sure=False)


def test_unsure_and_silent_is_not_in_documents() -> None:
    """A rejected message that is most likely unanswered is said not to be in the documents."""
    assert "silent_a" == settled(("silent_a", 0.5), ("pain", 0.3), ("greet", 0.2), sure=False)


def test_unsure_about_anything_is_unclear() -> None:
    """A rejected message that is most likely none of these is not understood."""
    assert UNCLEAR == settled(("greet", 0.4), ("clinic", 0.3), ("pain", 0.3), sure=False)
    assert UNCLEAR == settle(question("nlu_fallback", sure=False), TOPICS).intent


@given(QUESTIONS)
def test_settling_only_decides_the_intent(asked: Question) -> None:
    """Words, ranking and names of a question stay as they were found."""
    found = settle(asked, TOPICS)

    assert (asked.text, asked.ranking, asked.sure) == (found.text, found.ranking, found.sure)


@given(QUESTIONS, st.lists(QUESTIONS, max_size=4))
def test_every_message_asks_something(whole: Question, parts: list[Question]) -> None:
    """A message has at least one question, and no more than it has parts."""
    found = questions(whole, parts, TOPICS)

    assert 1 <= len(found) <= max(1, len(parts))


def test_two_parts_about_two_topics_are_two_questions() -> None:
    """Two topics are two questions, in the order in which they were asked."""
    assert ["pain", "cost"] == asked(sure("pain"), sure("pain"), sure("cost"))


def test_a_topic_torn_out_of_an_unanswered_question_is_not_told() -> None:
    """ "What are exosomes, and are they better?" asks for no comparison; "pain, and what gauge?" asks two things."""
    unlikely = question("compare_prp", ranking=[("compare_prp", 0.9), ("cost", 0.1)])
    silent, doubted = sure("silent_b"), question("silent_b", ranking=[("silent_b", 0.9), ("cost", 0.1)])

    assert ["silent_b"] == asked(silent, silent, unlikely)
    assert ["compare_prp", "silent_b"] == asked(silent, unlikely, silent)
    assert ["silent_b", "compare_prp"] == asked(doubted, silent, unlikely)
    assert ["silent_b", "compare_prp"] == asked(sure("pain"), silent, unlikely)
    assert ["pain", "silent_b"] == asked(silent, sure("pain"), silent)
    assert ["pain", "silent_b", "compare_prp"] == asked(silent, sure("pain"), silent, unlikely)


def test_a_sure_first_part_is_told_where_the_rest_is_not_understood() -> None:
    """ "What does it cost and which brand": the cost is told, beside that the documents do not say the rest."""
    silent = sure("silent_b")
    lost = question("nlu_fallback", sure=False, ranking=[("silent_b", 0.5), ("cost", 0.4)])
    doubted = question("cost", ranking=[("cost", 0.9), ("silent_b", 0.1)])

    assert ["cost", "silent_b"] == asked(silent, sure("cost"), lost)
    assert ["silent_b"] == asked(silent, lost, sure("cost"))
    assert ["silent_b"] == asked(silent, doubted, lost)
    assert ["silent_b"] == asked(silent, sure("cost"), sure("thanks"))


def test_another_subject_beside_a_sure_question_does_not_spoil_it() -> None:
    """ "Does it hurt? And what is the capital of France?": the pain is told, and that the rest was not understood."""
    silent, other = sure("silent_b"), sure("out_of_scope")
    doubted = question("pain", ranking=[("pain", 0.8), ("silent_b", 0.2)])

    assert ["pain", UNCLEAR] == asked(silent, sure("pain"), other)
    assert ["pain", UNCLEAR] == asked(other, other, sure("pain"))
    assert ["silent_b"] == asked(silent, doubted, other)


def test_a_part_that_may_be_two_topics_is_the_likelier_one() -> None:
    """Beside another question nothing is asked back, and nothing is dropped: the likelier topic is answered."""
    either = question("cost", ranking=[("cost", 0.4), ("safety", 0.38)])

    assert ["clarify"] == asked(either)
    assert ["pain", "cost"] == asked(sure("pain"), sure("pain"), either)


def test_two_parts_about_one_topic_are_one_question() -> None:
    """ "Does it hurt, and how much?" is read as a whole."""
    assert ["pain"] == asked(sure("pain"), sure("pain"), sure("pain"))


@pytest.mark.parametrize("remark", ["greet", "thanks", "human"])
def test_remark_beside_a_question_is_none(remark: str) -> None:
    """A greeting and the like do not count beside questions."""
    parts = sure(remark), sure("pain"), sure("cost")

    assert ["pain", "cost"] == asked(sure("pain"), *parts)


@pytest.mark.parametrize("lost", [sure("out_of_scope"), question("nlu_fallback", sure=False)])
def test_part_that_is_not_understood_is_not_dropped_silently(lost: Question) -> None:
    """Beside two questions, a part that is not understood is kept as one, so that the reply says so."""
    assert ["pain", "cost", UNCLEAR] == asked(sure("pain"), lost, sure("pain"), lost, sure("cost"))


def test_beside_one_question_only_what_is_plainly_off_the_subject_is_lost() -> None:
    """Most parts beside a single question only lead to it."""
    unsure = question("nlu_fallback", sure=False, ranking=[("out_of_scope", 0.5)])

    assert ["pain"] == asked(sure("pain"), unsure, sure("pain"))
    assert ["pain", UNCLEAR] == asked(sure("pain"), sure("out_of_scope"), sure("pain"))


def test_topic_beside_a_matter_of_the_clinic_keeps_both() -> None:
    """A question for the clinic is a question of its own."""
    parts = sure("pain"), sure("clinic")

    assert ["pain", "clinic"] == asked(sure("pain"), *parts)


def test_parts_without_a_topic_are_one_message() -> None:
    """Where no part is about a topic, the message is read as a whole."""
    parts = sure("silent_a"), sure("clinic")

    assert ["clinic"] == asked(sure("clinic"), *parts)


def test_whole_gives_way_to_a_part_that_is_surer_of_the_same() -> None:
    """A story before the question makes the whole less sure; the question itself is what was asked."""
    whole = question("cost", ranking=[("cost", 0.6), ("silent_b", 0.3)])
    lost = question("nlu_fallback", sure=False, ranking=[("silent_b", 0.5), ("pain", 0.4)])
    asks = replace(sure("cost"), text="what is it")

    assert ["what is it"] == [found.text for found in questions(whole, [lost, asks], TOPICS)]
    assert [whole.text] == [
        found.text for found in questions(replace(whole, ranking=asks.ranking), [lost, asks], TOPICS)
    ]


def test_unsure_whole_gives_way_to_a_sure_part() -> None:
    """A message that is not understood as a whole is what its understood part asks."""
    parts = question("nlu_fallback", sure=False), sure("pain")

    assert ["pain"] == asked(question("nlu_fallback", sure=False), *parts)


def test_single_part_gives_way_to_a_surer_whole() -> None:
    """ "I use Regaine. Is this better than that?" is about what was told before."""
    part = question("safety", ranking=[("safety", 0.7), ("pain", 0.1)])

    assert ["pain"] == asked(question("pain", ranking=[("pain", 0.9)]), part)
    assert ["safety"] == asked(question("pain", ranking=[("pain", 0.6)]), part)


def joined(*pieces: Question) -> list[str]:
    """Return what a message asks whose ``pieces`` are joined by "and"."""
    whole = question("pain", ranking=[("pain", 0.8), ("cost", 0.1)])
    found = questions(whole, (), TOPICS, {whole.text: pieces})
    return [each.intent for each in found]


def test_sure_pieces_about_different_topics_are_questions() -> None:
    """ "Size of needle and how painful" asks two things, though nothing but "and" shows it."""
    assert ["pain", "cost"] == joined(sure("pain"), sure("cost"))


@pytest.mark.parametrize(
    "pieces",
    [
        (sure("pain"), question("cost", ranking=[("cost", 0.7)])),
        (sure("pain"), question("cost", sure=False, ranking=[("cost", 0.9)])),
        (sure("pain"), sure("pain")),
        (sure("pain"), sure("clinic")),
        (sure("pain"), sure("greet"), sure("thanks")),
        (sure("pain"), question("cost", ranking=[("cost", 0.7)]), sure("clinic")),
    ],
)
def test_pieces_that_are_not_all_sure_of_a_topic_stay_together(pieces: tuple[Question, ...]) -> None:
    """Unless each piece is surely a topic of its own, "safe for men and women" stays one question."""
    assert ["pain"] == joined(*pieces)


def test_two_sure_items_make_a_list() -> None:
    """In a longer list an unclear item is said to be unclear, and the others are answered."""
    unclear = question("benefits", sure=False, ranking=[("benefits", 0.3)])

    assert ["pain", "cost", UNCLEAR] == joined(sure("pain"), unclear, sure("cost"))


def test_greeting_is_no_item() -> None:
    """ "Hello, the price and does it hurt" are two questions, whatever stands before them."""
    assert ["pain", "cost"] == joined(sure("greet"), sure("pain"), sure("cost"))


def test_comparison_is_no_list() -> None:
    """What stands between the commas of a comparison is compared."""
    whole = question("compare_prp", ranking=[("compare_prp", 0.8), ("cost", 0.1)])
    pieces = (sure("definition"), sure("cost"), question("compare_prp", sure=False, ranking=[("pain", 0.3)]))

    assert ["compare_prp"] == [each.intent for each in questions(whole, (), TOPICS, {whole.text: pieces})]


@pytest.mark.parametrize(
    ("expected", "weight"),
    [(["compare_prp", "pain"], 0.9), (["compare_prp", "compare_treatments", "pain"], 0.97)],
)
def test_other_treatments_beside_a_named_one_are_asked_for_surely_or_not(
    expected: list[str], weight: float
) -> None:
    """ "Is PRP better? Pills or jabs?" is one comparison, unless the second part surely asks for all."""
    any_of_them = question("compare_treatments", ranking=[("compare_treatments", weight)])

    assert expected == asked(sure("pain"), sure("compare_prp"), any_of_them, sure("pain"))


def test_a_part_can_be_taken_apart_too() -> None:
    """Pieces of one part stand beside the other parts, in the order in which they were asked."""
    part = question("pain", ranking=[("pain", 0.6)])
    found = questions(
        sure("pain"), (sure("safety"), replace(part, text="p")), TOPICS, {"p": (sure("pain"), sure("cost"))}
    )

    assert ["safety", "pain", "cost"] == [each.intent for each in found]


def test_single_part_that_asks_is_the_question() -> None:
    """Where one part asks and the rest only tells, that part decides."""
    assert ["pain"] == asked(sure("safety"), sure("pain"))


def test_single_part_does_not_beat_not_in_documents() -> None:
    """A whole that the documents do not answer stays so: the rest of it mattered."""
    assert ["silent_a"] == asked(sure("silent_a"), sure("pain"))


@pytest.mark.parametrize(
    ("intent", "text", "names", "expected"),
    [
        ("session_spacing", "how far apart are PRP sessions", ("prp",), OF_ANOTHER),
        ("permanence", "How long does a transplant last?", ("transplant",), OF_ANOTHER),
        ("permanence", "how long does it last after a transplant", ("transplant",), "permanence"),
        ("session_spacing", "had PRP before, how far apart are the sessions", ("prp",), "session_spacing"),
        ("pain", "does meso hurt like PRP", ("prp",), "pain"),
        ("cost", "what does PRP cost", ("prp",), "cost"),
        ("compare_prp", "tell me of PRP", ("prp",), "compare_prp"),
        ("pain", "does the scalp hurt", ("scalp",), "pain"),
        ("clinic", "do you do PRP", ("prp",), "clinic"),
    ],
)
def test_what_is_said_of_mesotherapy_answers_no_question_about_another_treatment(
    intent: str, text: str, names: tuple[str, ...], expected: str
) -> None:
    """A question that names another treatment and nothing of ours is not in the documents, unless a topic tells of both."""
    about = replace(sure(intent), text=text, names=names)

    assert expected == focus(about, FAR, KNOWLEDGE.topics).intent


def test_focus_orders_the_topics_statements_by_nearness() -> None:
    """The statements of the topic come nearest first, and those alone where none is near."""
    found = focus(question("pain"), FAR | {"review.faq.pain": 0.4}, KNOWLEDGE.topics)

    assert ("review.faq.pain", 0.4) == found.focus[0]
    assert set(KNOWLEDGE.topics["pain"].statements) == {name for name, _ in found.focus}


def test_focus_takes_a_near_statement_of_any_topic() -> None:
    """A statement that is near enough is told even where the topic does not hold it."""
    near = "review.compared.prp_cost"
    found = focus(question("pain"), FAR | {near: NEAR}, KNOWLEDGE.topics)

    assert "pain" == found.intent
    assert (near, NEAR) == found.focus[0]


def test_very_near_statement_decides_what_was_asked() -> None:
    """A statement that all but says the question beats "not in the documents"."""
    near = "review.compared.prp_cost"
    asked = question("silent_a", ranking=[("silent_a", 0.5), ("cost", 0.3), ("compare_prp", 0.1)])

    assert "cost" == focus(asked, FAR | {near: VERY_NEAR}, KNOWLEDGE.topics).intent
    assert "silent_a" == focus(asked, FAR | {near: VERY_NEAR - 0.01}, KNOWLEDGE.topics).intent


@pytest.mark.parametrize("intent", ["greet", "thanks", "clinic", "ask_more", "ask_why", "human"])
def test_very_near_statement_does_not_turn_remarks_into_questions(intent: str) -> None:
    """Small talk, follow-ups and matters of the clinic stay what they are."""
    asked = question(intent)

    found = focus(asked, FAR | {"guide.procedure.pain": 0.9}, KNOWLEDGE.topics)

    assert (found.intent, found.focus) == (intent, ())


def test_equally_near_statements_are_ordered_by_name() -> None:
    """Between equal cosines the name decides, so the order never depends on chance."""
    found = [name for name, _ in focus(question("benefits"), FAR, KNOWLEDGE.topics).focus]

    assert sorted(KNOWLEDGE.topics["benefits"].statements) == found


@given(st.lists(st.floats(-1, 1), min_size=len(FAR), max_size=len(FAR)))
def test_focus_is_ordered_by_nearness(cosines: list[float]) -> None:
    """Whatever the cosines, the nearest statement comes first."""
    found = focus(question("pain"), dict(zip(FAR, cosines, strict=True)), KNOWLEDGE.topics).focus

    assert [*found] == sorted(found, key=lambda pair: -pair[1])


def test_question_asked_for_a_statement_puts_it_first() -> None:
    """A statement is found by the questions asked for it, and none of these makes it a topic's."""
    near = next(name for name in KNOWLEDGE.statements if name not in KNOWLEDGE.topics["pain"].statements)
    own = KNOWLEDGE.topics["pain"].statements[-1]
    found = focus(question("pain"), FAR, KNOWLEDGE.topics, {own: 0.9, near: 0.95})

    assert (own, 0.9) == found.focus[0]
    assert near not in dict(found.focus)
    assert "silent_a" == focus(sure("silent_a"), FAR, KNOWLEDGE.topics, {own: 0.9}).intent


@pytest.mark.parametrize(("expected", "cosine"), [("pain", 0.6), (CLARIFY, 0.4)])
def test_a_question_asked_for_a_statement_decides_between_two_topics(expected: str, cosine: float) -> None:
    """Where two topics are as likely, the one whose statement is asked for in nearly these words is meant."""
    unsure = question(CLARIFY, ranking=[("cost", 0.4), ("pain", 0.39), ("needle", 0.1)])

    assert expected == focus(unsure, FAR, KNOWLEDGE.topics, {"review.faq.pain": cosine}).intent


@pytest.mark.parametrize(
    ("expected", "silent", "cosine", "alone"),
    [
        ("silent_b", 0.35, 0.3, True),
        ("pain", 0.35, HARDLY_NEAR, True),
        ("silent_b", 0.17, 0.3, True),
        ("pain", 0.08, 0.3, True),
        ("pain", 0.35, 0.3, False),
    ],
)
def test_topic_that_silence_comes_near_to_needs_a_near_statement(
    expected: str, silent: float, cosine: float, alone: bool
) -> None:
    """A topic that is hardly likelier than the documents' silence is told only where a statement is near."""
    shares = [("pain", 0.6), ("silent_a", silent / 3), ("silent_b", 2 * silent / 3)]
    doubted = question("pain", ranking=shares)

    found = focus(doubted, FAR, KNOWLEDGE.topics, {"review.faq.pain": cosine}, alone=alone)

    assert expected == found.intent


def test_other_treatments_are_not_answered_from_the_own_plan() -> None:
    """Asked for other treatments, a near statement about mesotherapy alone ("8 to 10 treatments") is not told."""
    own, compared = "review.limits.eight_to_ten", "review.compared.minoxidil_home"
    asked = question("compare_treatments")

    assert own not in dict(focus(asked, FAR | {own: 0.9}, KNOWLEDGE.topics).focus)
    assert compared in dict(focus(asked, FAR | {compared: 0.9}, KNOWLEDGE.topics).focus)
