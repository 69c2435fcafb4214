from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from mesoguide.follow_up import (
    LONGEST,
    NAMED,
    TIMED,
    about,
    compared,
    goes_back,
    named_topic,
    next_topic,
    other_treatment,
    picked,
    same_topic,
)
from mesoguide.settings import ROOT
from mesoguide.types import Memory, Question
from tests.samples import KNOWLEDGE, NOTHING, TOPICS, question

TERMS = ROOT / "language" / "en_mesoguide" / "terms.yml"


def test_every_name_leads_to_a_topic() -> None:
    """What a bare mention of a term asks about is a topic that exists."""
    assert set() == set(NAMED.values()) - set(TOPICS)


def test_every_name_is_one_that_the_entity_ruler_marks() -> None:
    """No name is waited for that can never be found in a text."""
    marked = {name for names in yaml.safe_load(TERMS.read_text("utf-8")).values() for name in names}

    assert set() == NAMED.keys() - marked


@pytest.mark.parametrize(
    ("expected", "text", "name"),
    [
        ("compare_prp", "and PRP?", "prp"),
        ("compare_prp", "And what about PRP?", "prp"),
        ("compare_minoxidil", "how about minoxidil", "minoxidil"),
        ("compare_minoxidil", "wat abt rogaine", "minoxidil"),
        ("compare_finasteride", "ok and finasteride?", "finasteride"),
        ("compare_transplant", "compared to a transplant?", "transplant"),
        ("compare_treatments", "vs pills?", "tablets"),
        ("suitability", "what about women?", "women"),
        ("suitability", "same for men?", "men"),
        ("contraindications", "...and with haemophilia?", "clotting"),
    ],
)
def test_short_mention_asks_about_what_it_names(expected: str, text: str, name: str) -> None:
    """A follow-up that only names something asks about that."""
    assert expected == named_topic(question("unclear", text, sure=False, names=[name]))


@pytest.mark.parametrize(
    "text",
    [
        "PRP",
        "does PRP hurt?",
        "is it for women?",
        "what are the side effects of PRP?",
        "and what did you say about how long PRP takes to work for women?",
    ],
)
def test_whole_question_is_no_mention(text: str) -> None:
    """A message that says itself what it asks is left to the classifier."""
    assert named_topic(question("pain", text, names=["prp"])) is None


def test_mention_of_nothing_known_is_none() -> None:
    """An opening without a known name leads nowhere, and a body part is no such name."""
    assert named_topic(question("unclear", "what about that?")) is None
    assert named_topic(question("unclear", "and my scalp?", names=["scalp"])) is None


def test_longest_mention() -> None:
    """Seven words are still a mention, eight are a question."""
    text = "what about women" + " then" * (LONGEST - 3)

    assert "suitability" == named_topic(question("unclear", text, names=["women"]))
    assert named_topic(question("unclear", f"{text} then", names=["women"])) is None


def test_mention_of_what_documents_do_not_answer_stays_so() -> None:
    """A sure "not in the documents" is not turned into a topic by a name in it."""
    asked = question("silent_medicines", "and with finasteride?", names=["finasteride"])

    assert named_topic(asked) is None


def test_first_known_name_wins() -> None:
    """Of several names, the first in the message that leads to a topic counts."""
    asked = question("unclear", "and the hair of women on PRP?", names=["hair", "women", "prp"])

    assert "suitability" == named_topic(asked)


def test_comparison_names_several_treatments() -> None:
    """A comparison of two treatments is about both, each once, the understood one first."""
    asked = question("compare_prp", "PRP or minoxidil?", names=["minoxidil", "prp", "women"])

    assert ["compare_prp", "compare_minoxidil"] == compared(asked)


def test_after_a_topic_comes_its_then() -> None:
    """ "And after that?" goes on from the last topic that has a next one."""
    then = KNOWLEDGE.topics["procedure"].then

    assert then == next_topic(Memory(topics=("mechanism", "procedure")), KNOWLEDGE)
    assert then == next_topic(Memory(topics=("mechanism", "procedure", "cost")), KNOWLEDGE)


def test_after_nothing_comes_nothing() -> None:
    """Without a last answer, or with one that has no next, there is no topic to go on with."""
    assert next_topic(NOTHING, KNOWLEDGE) is None
    assert next_topic(Memory(topics=("cost",)), KNOWLEDGE) is None
    assert next_topic(Memory(topics=("a topic of last year",)), KNOWLEDGE) is None


def leaning(text: str, *ranking: tuple[str, float], intent: str = "procedure") -> Question:
    return Question(
        text, intent, True, ranking, near=(("guide.procedure.pain", 0.5), ("review.intro.what", 0.4))
    )


@pytest.mark.parametrize(
    ("said", "stays"),
    [
        (leaning("even with the cream?", ("procedure", 0.5), ("pain", 0.2)), True),
        (leaning("at the temples too?", ("procedure", 0.45), ("pain", 0.01)), True),
        (leaning("weak ones?", ("procedure", 0.99)), True),
        (replace(leaning("not even then?", ("procedure", 0.6)), sure=False), True),
        (replace(leaning("not even then?", ("silent_details", 0.7)), sure=False), False),
        (leaning("what happens first", ("procedure", 0.9), ("pain", 0.02)), False),
        (leaning("how much is it?", ("cost", 0.99), intent="cost"), False),
        (leaning("but why is that so?", ("ask_why", 0.9), ("pain", 0.05), intent="ask_why"), False),
        (leaning("that is so kind", ("thanks", 0.8), ("pain", 0.01), intent="thanks"), False),
        (leaning("and " * 11, ("procedure", 0.3), ("pain", 0.2)), False),
    ],
)
def test_a_short_message_may_lean_on_the_last_answer(said: Question, stays: bool) -> None:
    """It stays with the last topic where its words point back and nothing else is plainly meant."""
    assert same_topic(said, Memory(topics=("pain",)), KNOWLEDGE) == ("pain" if stays else None)
    assert same_topic(said, Memory(), KNOWLEDGE) is None
    assert same_topic(said, Memory(topics=("pain", "cost")), KNOWLEDGE) is None


def test_what_comes_next_is_no_way_back() -> None:
    """ "And then, what is done?" goes on to the topic that follows the last one."""
    then = KNOWLEDGE.topics["consultation"].then
    assert then is not None
    asked = leaning("and then, what is done to that?", (then, 0.6), ("consultation", 0.3), intent=then)

    assert same_topic(asked, Memory(topics=("consultation",)), KNOWLEDGE) is None


def test_what_leans_gets_the_statements_of_that_topic() -> None:
    """What is nearest among the topic's own statements is told, and nothing of another topic."""
    found = about(leaning("even with the cream?"), "pain", KNOWLEDGE)

    assert (found.intent, [name for name, _ in found.focus]) == ("pain", ["guide.procedure.pain"])


# -- how long "they" last


@pytest.mark.parametrize(
    "text",
    [
        "how long do they last?",
        "and for how long",
        "does it go away on its own?",
        "days or weeks?",
        "will it wear off",
        "how long does it take to go away?",
    ],
)
@pytest.mark.parametrize("topic", sorted(TIMED))
def test_question_of_time_without_a_subject_is_about_what_passes(topic: str, text: str) -> None:
    """After side effects, "how long do they last?" is about these and not about the effect."""
    asked = question("permanence", text, ranking=[("permanence", 0.99)])

    assert topic == same_topic(asked, Memory(topics=(topic,)), KNOWLEDGE)


@pytest.mark.parametrize(
    "text",
    ["how long does the effect last?", "how long is a session", "how long does it take?", "and how often?"],
)
def test_question_of_time_with_a_subject_is_about_that(text: str) -> None:
    """A message that names what it asks about is left to the classifier."""
    asked = question("permanence", text, ranking=[("permanence", 0.99)])

    assert same_topic(asked, Memory(topics=("side_effects",)), KNOWLEDGE) is None


def test_question_of_time_after_another_topic_is_left_to_the_classifier() -> None:
    """After the number of sessions, "how long do they last?" is not about the number."""
    asked = question("session_duration", "how long do they last?", ranking=[("session_duration", 0.99)])

    assert same_topic(asked, Memory(topics=("session_count",)), KNOWLEDGE) is None


# -- answers to the bot's own question

ASKED = Memory(asked=("session_duration", "results_time"))


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (["session_duration"], "the first one"),
        (["session_duration"], "1"),
        (["session_duration"], "one session"),
        (["results_time"], "2nd please"),
        (["results_time"], "i meant the second"),
        (["results_time"], "the results"),
        (["session_duration", "results_time"], "both pls"),
    ],
)
def test_short_answer_picks_what_was_offered(expected: list[str], text: str) -> None:
    """A number, an order or a word of its name picks a topic; "both" picks two."""
    assert expected == list(picked(question("unclear", text, sure=False), ASKED, KNOWLEDGE))


def test_yes_picks_both() -> None:
    """A plain "yes" to "this or that?" is answered with both."""
    assert ["session_duration", "results_time"] == list(picked(question("affirm", "yes"), ASKED, KNOWLEDGE))


def test_likelier_topic_is_picked() -> None:
    """A few words that name neither pick the topic that is twice as likely."""
    said = [("procedure", 0.4), ("results_time", 0.3), ("session_duration", 0.1)]

    assert ["results_time"] == list(
        picked(question("unclear", "hair", sure=False, ranking=said), ASKED, KNOWLEDGE)
    )


@pytest.mark.parametrize(
    "asked",
    [
        question("pain", "does it hurt?"),
        question("unclear", "hmm", sure=False, ranking=[("results_time", 0.2), ("session_duration", 0.15)]),
        question("unclear", "well I would say that one of my friends had it", sure=False),
    ],
)
def test_anything_else_picks_nothing(asked: Question) -> None:
    """Another question, or nothing that tells the two apart, is no pick."""
    assert [] == list(picked(asked, ASKED, KNOWLEDGE))


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (["pain"], "the first one"),
        (["pain"], "and the first?"),
        (["cost"], "the second one"),
        (["cost"], "second question again please"),
        (["safety"], "the last one again"),
        (["safety"], "tell me more about the third thing"),
        ([], "the fourth"),
        ([], "the first session"),
        ([], "how long does the first one take"),
    ],
)
def test_a_place_picks_one_of_several_topics_told(expected: list[str], text: str) -> None:
    """After a reply to several questions "the second one" is the second of them; a question of its own is not."""
    told = Memory(topics=("pain", "cost", "safety"))
    assert expected == list(picked(question("unclear", text, sure=False), told, KNOWLEDGE))
    assert [] == list(picked(question("unclear", text, sure=False), Memory(topics=("pain",)), KNOWLEDGE))


def test_nothing_is_picked_where_nothing_was_asked() -> None:
    """ "The first one" without a question of the bot picks nothing."""
    assert [] == list(picked(question("unclear", "the first one", sure=False), NOTHING, KNOWLEDGE))


# -- the other treatment of a comparison


@pytest.mark.parametrize(
    ("expected", "text", "intent", "last"),
    [
        (True, "does that have side effects?", "side_effects", "compare_minoxidil"),
        (True, "how often do you take it", "session_spacing", "compare_finasteride"),
        (False, "does mesotherapy have side effects?", "side_effects", "compare_minoxidil"),
        (False, "so which is better?", "compare_prp", "compare_prp"),
        (False, "does that have side effects?", "side_effects", "definition"),
    ],
)
def test_after_a_comparison_it_may_be_the_other_treatment(
    expected: bool, text: str, intent: str, last: str
) -> None:
    """A short question after a comparison that does not name mesotherapy may be about the other."""
    assert expected is other_treatment(question(intent, text), Memory(topics=(last,)))


@pytest.mark.parametrize(
    "text", ["and which is cheaper?", "fewer side effects?", "so is it better than that"]
)
def test_comparison_goes_on(text: str) -> None:
    """After a comparison, a short message that compares again is about the same two treatments."""
    asked = question("cost", text, ranking=[("cost", 0.99)])

    assert same_topic(asked, Memory(topics=("compare_prp",)), KNOWLEDGE) == "compare_prp"
    assert same_topic(asked, Memory(topics=("definition",)), KNOWLEDGE) is None


@pytest.mark.parametrize(
    ("expected", "text", "cosine"),
    [
        ("compare_finasteride", "how often do you take it", 0.44),
        (None, "how often do you take it", 0.2),
        (None, "how often is mesotherapy done", 0.44),
    ],
)
def test_comparison_that_says_it_is_gone_back_to(expected: str | None, text: str, cosine: float) -> None:
    """What a comparison's own statement answers is told from it, where the message points back."""
    near = (("review.compared.finasteride_what", cosine),)
    asked = replace(question("session_spacing", text, ranking=[("session_spacing", 0.9)]), near=near)

    assert expected == same_topic(asked, Memory(topics=("compare_finasteride",)), KNOWLEDGE)


@pytest.mark.parametrize(
    ("expected", "intent", "names"),
    [
        (["compare_finasteride"], "compare_finasteride", ["tablets", "finasteride"]),
        (["compare_treatments"], "compare_treatments", ["minoxidil", "finasteride", "prp", "transplant"]),
        (["compare_treatments", "compare_prp"], "compare_treatments", ["prp"]),
    ],
)
def test_one_comparison_is_not_told_twice(expected: list[str], intent: str, names: list[str]) -> None:
    """ "Tablets such as finasteride" asks one thing, and so do four names in a row."""
    assert expected == compared(question(intent, "?", names=names))


@pytest.mark.parametrize(
    ("expected", "text", "intent", "tier"),
    [
        (True, "and if I pause it?", "permanence", "medicines"),
        (True, "when will it go down", "results_time", "urgent"),
        (False, "and who does it?", "practitioner", "medicines"),
        (False, "when would I see a result", "results_time", "urgent"),
    ],
)
def test_message_about_what_was_stopped_goes_back(expected: bool, text: str, intent: str, tier: str) -> None:
    """What somebody asks about their own case or their symptom is not answered from the documents."""
    assert expected is goes_back(question(intent, text), tier)


def test_a_named_treatment_is_no_question_about_others_in_general() -> None:
    """After "what else is there", "how does it compare with finasteride" asks for finasteride alone."""
    asked = question(
        "compare_finasteride",
        "How does it compare with finasteride?",
        names=["finasteride"],
        ranking=[("compare_finasteride", 0.9), ("compare_treatments", 0.1)],
    )

    assert same_topic(asked, Memory(topics=("compare_treatments",)), KNOWLEDGE) is None


@pytest.mark.parametrize(
    "text", ["no I meant is it effective", "sorry, I mean is it effective", "I meant is that effective"]
)
def test_a_correction_does_not_stay_with_what_was_understood(text: str) -> None:
    """Who says what was meant is not answered from the last topic again."""
    asked = question("evidence", text, ranking=[("evidence", 0.6), ("safety", 0.3)])

    assert same_topic(asked, Memory(topics=("safety",)), KNOWLEDGE) is None
