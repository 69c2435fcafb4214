from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesoguide.reply import BUTTONS, CLARIFY, LONGEST, LONGEST_OF_ALL, SMALL_TALK, UNCLEAR, error_reply
from mesoguide.settings import Settings
from mesoguide.types import Kind, Memory, Question, Reply
from tests.samples import (
    DIFFERING,
    KNOWLEDGE,
    SETTINGS,
    TOPICS,
    ask,
    question,
    says,
    speakers,
    talk,
)

NOTICES = KNOWLEDGE.notices
SILENT = "silent_personal"
PUBLISHER = ("benefits", "safety", "evidence", "cost")
"""Topics on which it matters who says it: the guide and the review want to sell."""
FOLLOW_UPS = (
    "ask_more", "ask_why", "ask_verdict", "ask_simpler", "ask_sources", "ask_next", "ask_differences", "ask_contents",
)  # fmt: skip
INTENTS = (
    *TOPICS, *SMALL_TALK, *FOLLOW_UPS, SILENT, "silent_other", "clinic", "human", "out_of_scope",
    UNCLEAR, "empty", CLARIFY, "nlu_fallback", "an intent that nobody knows",
)  # fmt: skip
CLINIC = Settings(clinic_name="Hair Centre", clinic_phone="020 7946 0000", clinic_contact="hc.example")
BETWEEN_TWO = question(CLARIFY, sure=False, ranking=[("greet", 0.4), ("pain", 0.3), ("needle", 0.2)])
JOINING = frozenset("says it also sources and is the sections used from read on".split())
"""Words of a reply that no data file holds."""

FOCI = st.lists(
    st.tuples(st.sampled_from([*KNOWLEDGE.statements]), st.floats(0, 1)), max_size=8, unique_by=lambda f: f[0]
).map(lambda focus: sorted(focus, key=lambda pair: -pair[1]))
RANKINGS = st.lists(st.tuples(st.sampled_from(INTENTS), st.floats(0, 1)), max_size=5)
NAMES = st.lists(st.sampled_from(["prp", "minoxidil", "finasteride", "women", "scalp"]), max_size=3)
WORDS = st.sampled_from(
    [
        "does it hurt?",
        "and the guide?",
        "and the other article?",
        "and PRP?",
        "what about women",
        "summarise the guide",
        "do they differ on that",
        "🙂",
        "",
        "x" * 300,
    ]
)
QUESTIONS = st.lists(
    st.builds(
        lambda intent, text, sure, ranking, focus, names, document: question(
            intent, text, sure=sure, ranking=ranking, focus=focus, names=names, document=document
        ),
        st.sampled_from(INTENTS), WORDS, st.booleans(), RANKINGS, FOCI, NAMES,
        st.sampled_from(["", "", "guide", "review"]),
    ),
    max_size=5,
)  # fmt: skip
# One topic: follow-ups to several can be too long (test_follow_up_to_three_topics_…).
MEMORIES = st.builds(
    Memory,
    topics=st.lists(st.sampled_from(TOPICS), max_size=1).map(tuple),
    told=st.lists(st.sampled_from([*KNOWLEDGE.statements]), max_size=20, unique=True).map(tuple),
    asked=st.lists(st.sampled_from(TOPICS), max_size=2).map(tuple),
)


def label(name: str) -> str:
    text = KNOWLEDGE.topics[name].label
    return f"{text[0].upper()}{text[1:]}:"


def own_texts() -> Iterator[str]:
    """All that stands in the knowledge and may be said, with what can be filled in."""
    labels = [topic.label for topic in KNOWLEDGE.topics.values()]
    for statement in KNOWLEDGE.statements.values():
        yield statement.says
    for topic in KNOWLEDGE.topics.values():
        yield from (label(topic.id), topic.open)
        yield NOTICES["differ"].format(differ_on=topic.differ_on)
    for document in KNOWLEDGE.documents.values():
        yield from (document.name, document.name.lower(), document.title, document.publisher)
        yield from (document.publisher_kind, document.read.isoformat())
        yield from (section.title for section in document.sections.values())
    for first, second in itertools.product(labels, repeat=2):
        yield NOTICES["clarify"].format(first=first, second=second)
    for names in itertools.chain(zip(labels), itertools.permutations(labels, 2)):
        yield NOTICES["nothing_left"].format(label=" and ".join(names))
        for document in KNOWLEDGE.documents.values():
            yield NOTICES["document_silent"].format(document=document.name, label=" and ".join(names))
    yield from re.split(r"\{points\}\. |\{agreed\}\. ", NOTICES["differences"])
    yield from labels
    yield from (topic.differ_on for topic in KNOWLEDGE.topics.values())
    yield NOTICES["contents"].split("{document} ")[1].split("{labels}")[0]
    for key in NOTICES.keys() - {
        "differ",
        "clarify",
        "nothing_left",
        "document_silent",
        "differences",
        "contents",
    }:
        yield NOTICES[key]


OWN_TEXTS = sorted({text for text in own_texts() if text}, key=len, reverse=True)


def foreign_words(reply: Reply) -> set[str]:
    """Return the words of a reply that neither stand in the knowledge nor only join."""
    text = reply.text.lower()
    for own in OWN_TEXTS:
        text = text.replace(own.lower(), " ")
    return set(re.findall(r"\w+", text)) - JOINING


def problems(reply: Reply) -> list[str]:
    """Return which promises that hold for every reply this one breaks."""
    lines = reply.text.split("\n")
    broken = {
        "empty": not reply.text,
        "too long": len(reply.text) > LONGEST_OF_ALL,
        "blank line": not all(line.strip() for line in lines),
        "untrimmed line": any(line != line.strip() for line in lines),
        "braces": bool(set(reply.text) & set("{}")),
        "words of its own": bool(foreign_words(reply)),
        "no disclaimer": not reply.text.endswith((NOTICES["disclaimer"], NOTICES["disclaimer_short"])),
        "statement left out": any(says(name) not in reply.text for name in told_in(reply)),
        "too many buttons": len(reply.buttons) > BUTTONS,
        "unknown notice": bool(set(reply.notices) - NOTICES.keys()),
    }
    return [name for name, is_broken in broken.items() if is_broken]


def told_in(reply: Reply) -> Sequence[str]:
    """Return the statements that the bubble itself tells ("says who?" only names where from)."""
    return () if "all_sources" in reply.notices else reply.statements


# -- what holds for every reply


@given(QUESTIONS, MEMORIES)
def test_every_reply_keeps_the_promises(asked: list[Question], memory: Memory) -> None:
    """Whatever is asked: not empty, not too long, no blank line, a disclaimer, only our texts."""
    assert [] == problems(ask(*asked, memory=memory)[0])


@given(QUESTIONS, MEMORIES)
def test_same_questions_same_reply(asked: list[Question], memory: Memory) -> None:
    """The same input gives the same bytes and the same memory."""
    first, second = ask(*asked, memory=memory), ask(*asked, memory=memory)

    assert json.dumps(first[0].to_dict()) == json.dumps(second[0].to_dict())
    assert first[1] == second[1]


@given(QUESTIONS)
def test_words_of_the_user_are_never_repeated(asked: list[Question]) -> None:
    """No word that a user typed is in the reply or in the memory."""
    typed = [replace(q, text=f"{q.text} qwzx{i}") for i, q in enumerate(asked)]
    reply, memory = ask(*typed)

    assert "qwzx" not in json.dumps(reply.to_dict())
    assert "qwzx" not in json.dumps(memory.to_dict())


@given(QUESTIONS, MEMORIES)
def test_memory_holds_only_what_the_bot_told(asked: list[Question], memory: Memory) -> None:
    """A memory is topics and statements of the knowledge, and nothing that a user said."""
    kept = ask(*asked, memory=memory)[1]

    assert {*kept.topics, *kept.asked} <= {*TOPICS}
    assert {*kept.told} <= KNOWLEDGE.statements.keys()


@pytest.mark.parametrize("intent", INTENTS)
def test_every_intent_is_answered(intent: str) -> None:
    """Each intent has a reply at the start of a conversation and after an answer."""
    assert [[], []] == [problems(talk(intent)[0]), problems(talk("pain", intent)[1])]


# -- kinds


@pytest.mark.parametrize(
    ("expected", "notice", "intent"),
    [
        ("not_in_documents", "not_in_documents", SILENT),
        ("clinic", "clinic", "clinic"),
        ("clinic", "human", "human"),
        ("out_of_scope", "out_of_scope", "out_of_scope"),
        ("out_of_scope", "unclear", UNCLEAR),
        ("out_of_scope", "empty", "empty"),
        ("out_of_scope", "out_of_scope", "an intent that nobody knows"),
        *(("small_talk", notice, intent) for intent, notice in SMALL_TALK.items()),
    ],
)
def test_fixed_text_and_kind_of_an_intent(expected: Kind, notice: str, intent: str) -> None:
    """What is no topic gets its fixed text, word for word, and its kind."""
    reply = ask(intent)[0]

    assert expected == reply.kind
    assert (notice, "disclaimer_short") == reply.notices
    assert reply.text.startswith(NOTICES[notice].format(clinic=SETTINGS.clinic))


def test_nothing_asked_is_empty() -> None:
    """A message without a question is answered as one that can't be read."""
    reply = ask()[0]

    assert "out_of_scope" == reply.kind
    assert reply.text.startswith(NOTICES["empty"])


def test_weightiest_kind_wins() -> None:
    """Of several intents without a topic, "not in the documents" is said before the rest."""
    kinds = [ask(*intents)[0].kind for intents in itertools.permutations(["clinic", SILENT, "out_of_scope"])]

    assert {"not_in_documents"} == set(kinds)


def test_goodbye_offers_nothing_more() -> None:
    """Every reply but a goodbye offers questions to click on."""
    assert () == ask("goodbye")[0].buttons
    assert ask("greet")[0].buttons


def test_error_reply_names_the_emergency_number() -> None:
    """When anything failed, the reply still says what to do in an emergency."""
    reply = error_reply(KNOWLEDGE)

    assert "error" == reply.kind
    assert "emergency number" in reply.text


# -- answers about one topic


@pytest.mark.parametrize("name", TOPICS)
def test_answer_keeps_the_promises(name: str) -> None:
    """Each topic's answer carries disclaimer, sources and statements, and fits the room."""
    reply = ask(name)[0]

    assert [] == problems(reply)
    assert ("answer", (name,)) == (reply.kind, reply.topics)
    assert reply.text.endswith(NOTICES["disclaimer"])
    assert len(reply.text) <= LONGEST


@pytest.mark.parametrize("name", TOPICS)
def test_answer_names_its_sources(name: str) -> None:
    """Each document that is told from is named with the section, and no other."""
    reply = ask(name)[0]
    (line,) = [line for line in reply.text.split("\n") if line.startswith("Sources: ")]
    expected = {
        (s.document, KNOWLEDGE.documents[s.document].sections[s.section].title)
        for s in map(KNOWLEDGE.statements.__getitem__, reply.statements)
    }

    assert expected == {(source["document"], source["section"]) for source in reply.sources}
    assert [] == [section for _, section in expected if f'"{section}"' not in line]


@pytest.mark.parametrize("name", DIFFERING)
def test_answer_gives_both_sides(name: str) -> None:
    """Where the documents differ, a side of each is told, and that they differ."""
    topic = KNOWLEDGE.topics[name]
    reply = ask(name)[0]

    assert 1 < len(speakers([s for s in reply.statements if s in topic.sides]))
    assert NOTICES["differ"].format(differ_on=topic.differ_on) in reply.text


@pytest.mark.parametrize("name", TOPICS)
def test_answer_says_who_publishes_where_it_matters(name: str) -> None:
    """On benefits, safety, evidence and cost, the reply says what kind of pages these are."""
    kinds = [document.publisher_kind for document in KNOWLEDGE.documents.values()]
    text = ask(name)[0].text

    assert [name in PUBLISHER] * len(kinds) == [kind in text for kind in kinds]


@given(st.sampled_from(TOPICS), FOCI)
def test_answer_is_short_whatever_is_asked_for(name: str, focus: list[tuple[str, float]]) -> None:
    """No focus makes an answer about one topic break a promise."""
    assert [] == problems(ask(question(name, focus=focus))[0])


@pytest.mark.parametrize("name", TOPICS)
def test_answer_offers_the_next_questions(name: str) -> None:
    """An answer's buttons are the natural next questions of its topic."""
    assert KNOWLEDGE.topics[name].next[:BUTTONS] == ask(name)[0].buttons


# -- answers about several topics


def test_any_two_questions_are_answered_whole() -> None:
    """Two questions about any two topics fit into one reply that holds both in order."""
    pairs = list(itertools.permutations(TOPICS, 2))

    assert [] == [pair for pair in pairs if ask(*pair)[0].topics != pair]
    assert [] == [pair for pair in pairs if len(ask(*pair)[0].text) > LONGEST_OF_ALL]


def test_any_three_questions_are_answered_whole() -> None:
    """Three questions about any three topics fit into one reply that holds all in order."""
    wrong = []
    for triple in itertools.combinations(TOPICS, 3):
        reply = ask(*triple)[0]
        places = [reply.text.find(label(name)) for name in triple]
        if len(reply.text) > LONGEST_OF_ALL or -1 in places or places != sorted(places):
            wrong.append(triple)

    assert [] == wrong


@given(st.permutations(TOPICS))
def test_three_questions_keep_the_promises(order: list[str]) -> None:
    """A reply to three questions is an answer like any other."""
    reply = ask(*order[:3])[0]

    assert [] == problems(reply)
    assert tuple(order[:3]) == reply.topics


@given(st.permutations(TOPICS), st.integers(4, 8))
def test_more_questions_than_fit_are_announced(order: list[str], count: int) -> None:
    """What does not fit is left out at the end, and the reply says so."""
    reply = ask(*order[:count])[0]
    left_out = reply.topics != tuple(order[:count])

    assert [] == problems(reply)
    assert tuple(order[: len(reply.topics)]) == reply.topics
    assert left_out == (NOTICES["too_many"] in reply.text)


def test_three_questions_keep_both_sides() -> None:
    """A side of each document is told also where three answers share one reply."""
    one_sided = [
        (name, triple)
        for triple in itertools.combinations(TOPICS, 3)
        for name in set(triple) & {*DIFFERING}
        if len(speakers([s for s in ask(*triple)[0].statements if s in KNOWLEDGE.topics[name].sides])) < 2
    ]

    assert [] == one_sided


@pytest.mark.parametrize(
    "names",
    [
        ["benefits", "side_effects", "cost"],
        ["contraindications", "safety", "evidence"],
        ["ingredients", "mechanism", "permanence"],
    ],
)
def test_three_questions_use_the_room_there_is(names: list[str]) -> None:
    """Where three full answers are too long, both sides and what is left open are told as long as they fit."""
    asked = [
        question(name, focus=[(each, 0.5) for each in KNOWLEDGE.topics[name].more[:4]]) for name in names
    ]
    reply, _ = ask(*asked)
    told = [name for name in names if KNOWLEDGE.topics[name].open.split(" {")[0] in reply.text]

    assert len(reply.text) <= LONGEST_OF_ALL
    assert names[0] in told
    assert len(told) > 1


def test_question_without_answer_beside_one_with() -> None:
    """Beside an answer, what the documents or the bot can't answer is said, once each."""
    reply = ask("pain", SILENT, "silent_other", "clinic")[0]

    assert ("pain",) == reply.topics
    assert ("disclaimer_short", "not_in_documents_too", "clinic_too") == reply.notices
    assert 1 == reply.text.count(NOTICES["not_in_documents_too"])
    assert NOTICES["clinic_too"].format(clinic=SETTINGS.clinic) in reply.text


def test_greeting_beside_a_question_is_not_answered() -> None:
    """ "Hi, does it hurt? Thanks" is a question and nothing else."""
    assert ask("pain")[0] == ask("greet", "pain", "thanks")[0]


def test_one_topic_asked_twice_is_answered_once() -> None:
    """Two questions about one topic get one answer."""
    assert ask("pain")[0] == ask("pain", "pain")[0]


def test_topic_asked_twice_keeps_its_place() -> None:
    """A topic that is asked about again stays where it was first asked."""
    assert ("pain", "cost") == ask("pain", "cost", "pain")[0].topics


def test_comparison_of_two_treatments_is_two_answers() -> None:
    """ "PRP or minoxidil?" is answered about both."""
    reply = ask(question("compare_prp", "PRP or minoxidil?", names=["prp", "minoxidil"]))[0]

    assert ("compare_prp", "compare_minoxidil") == reply.topics


# -- follow-ups


@pytest.mark.parametrize("name", TOPICS)
def test_more_tells_all_and_then_says_so(name: str) -> None:
    """ "Tell me more", again and again, tells each statement of a topic once, then stops."""
    replies = talk(name, *["ask_more"] * 10)
    last = next(i for i, reply in enumerate(replies) if "nothing_left" in reply.notices)
    told = [statement for reply in replies[:last] for statement in reply.statements]

    assert sorted(KNOWLEDGE.topics[name].statements) == sorted(told)
    assert NOTICES["nothing_left"].format(label=KNOWLEDGE.topics[name].label) in replies[last].text
    assert [] == [problem for reply in replies for problem in problems(reply)]


def test_more_about_several_topics_does_not_claim_to_be_done() -> None:
    """ "That is all" is only said when all of every topic was told."""
    asked = ("pain", "safety", "evidence", "cost", "benefits")
    reply, memory = ask(*asked)
    while "nothing_left" not in reply.notices:
        reply, memory = ask("ask_more", memory=memory)
    statements = {s for name in memory.topics for s in KNOWLEDGE.topics[name].statements}

    assert set() == statements - {*memory.told}


@pytest.mark.parametrize("name", TOPICS)
def test_why_is_answered_from_the_documents_or_not_at_all(name: str) -> None:
    """ "Why?" gives the recorded reasons; without one, the reply says that there is none."""
    reasons = KNOWLEDGE.topics[name].why
    reply = talk(name, "ask_why")[1]

    assert reasons == reply.statements
    assert ("answer" if reasons else "not_in_documents") == reply.kind
    assert bool(reasons) != (NOTICES["no_reason"] in reply.text)
    assert [] == problems(reply)


@pytest.mark.parametrize("name", DIFFERING)
def test_verdict_is_refused_and_both_sides_stay(name: str) -> None:
    """ "Which is right?" gets both sides again and no judgement."""
    topic = KNOWLEDGE.topics[name]
    reply = talk(name, "ask_verdict")[1]

    assert reply.text.startswith(NOTICES["verdict"])
    assert 1 < len(speakers([s for s in reply.statements if s in topic.sides]))
    assert [] == problems(reply)


def test_verdict_does_not_claim_a_difference_where_there_is_none() -> None:
    """ "The two articles differ" is only said of a topic on which they do."""
    assert "The two articles differ" not in talk("downtime", "ask_verdict")[1].text


def test_verdict_is_listed_among_the_notices() -> None:
    """The reply object names every fixed text that the bubble holds."""
    assert "verdict" in talk("pain", "ask_verdict")[1].notices


@pytest.mark.parametrize("name", TOPICS)
def test_simpler_is_the_short_answer(name: str) -> None:
    """ "Say it simply" tells lead and sides and nothing else."""
    topic = KNOWLEDGE.topics[name]
    reply = talk(name, "ask_simpler")[1]

    assert {*topic.lead, *topic.sides} == {*reply.statements}
    assert len(reply.text) <= len(talk(name)[0].text) or not topic.more
    assert [] == problems(reply)


@pytest.mark.parametrize("follow_up", ["ask_verdict", "ask_simpler"])
def test_follow_up_to_three_topics_is_not_too_long(follow_up: str) -> None:
    """A follow-up to three answers fits into one reply like the answers did."""
    replies = [
        talk(triple, follow_up)[1]
        for triple in itertools.combinations(("procedure", "needle", "mechanism", "safety"), 3)
    ]

    assert LONGEST_OF_ALL >= max(len(reply.text) for reply in replies)


@pytest.mark.parametrize("follow_up", FOLLOW_UPS)
def test_follow_up_to_five_topics_is_not_too_long(follow_up: str) -> None:
    """A follow-up to five answers fits into one reply, and says so where something is left out."""
    many = [tuple(TOPICS[place : place + 5]) for place in range(len(TOPICS) - 4)]
    replies = [ask(follow_up, memory=Memory(topics=names))[0] for names in many]

    assert LONGEST_OF_ALL >= max(len(reply.text) for reply in replies)
    assert all(("too_many" in reply.notices) is (NOTICES["too_many"] in reply.text) for reply in replies)


@pytest.mark.parametrize("name", TOPICS)
def test_next_goes_on_to_what_comes_after(name: str) -> None:
    """ "And after that?" answers the topic that comes next, or tells more where none does."""
    then = KNOWLEDGE.topics[name].then
    expected = talk(then)[0] if then else talk(name, "ask_more")[1]

    assert expected == talk(name, "ask_next")[1]


def test_sources_after_an_answer_are_those_of_the_answer() -> None:
    """ "Says who?" names both documents, their publishers, and the sections just used."""
    answer, sources = talk("pain", "ask_sources")

    assert answer.sources == sources.sources
    for document in KNOWLEDGE.documents.values():
        assert f'{document.name}: "{document.title}"' in sources.text
        assert document.publisher in sources.text
        assert document.publisher_kind in sources.text
        assert document.read.isoformat() in sources.text
    assert 2 == sources.text.count("Sections used:")


def test_sources_without_an_answer_are_the_documents() -> None:
    """ "Where is this from?" at the start names the documents and no section."""
    reply = talk("ask_sources")[0]

    assert "small_talk" == reply.kind
    assert () == reply.sources
    assert "Sections used" not in reply.text


@pytest.mark.parametrize("intent", ["ask_more", "ask_why", "ask_simpler", "ask_next"])
def test_follow_up_to_nothing_says_what_can_be_asked(intent: str) -> None:
    """A follow-up without an answer before it gets the list of what the bot knows."""
    reply = talk(intent)[0]

    assert "small_talk" == reply.kind
    assert reply.text.startswith(NOTICES["capabilities"])


def test_mention_after_an_answer_asks_about_it() -> None:
    """ "And PRP?" is answered about PRP, whatever the classifier took it for."""
    mention = question(UNCLEAR, "and PRP?", sure=False, names=["prp"])

    assert ("compare_prp",) == talk("cost", [mention])[1].topics


def test_small_talk_does_not_forget_the_answer() -> None:
    """After "thanks", "tell me more" still goes on with the last answer."""
    assert talk("pain", "ask_more")[1] == talk("pain", "thanks", "ask_more")[2]


def test_part_that_was_not_understood_is_said() -> None:
    """Beside an answer the reply says once that a part was not understood, and alone it does not."""
    reply = ask("pain", question(UNCLEAR, "hm", sure=False), question(UNCLEAR, "ha", sure=False))[0]

    assert 1 == reply.text.count(NOTICES["unclear_too"])
    assert ("pain",) == reply.topics
    assert NOTICES["unclear_too"] not in ask("greet", question(UNCLEAR, sure=False))[0].text


def test_no_statement_stands_twice_in_a_bubble() -> None:
    """What one topic has told is no detail of the next."""
    for first, second in itertools.permutations(TOPICS, 2):
        told = ask(first, second)[0].text.split("\n")
        details = [line for line in told if line.startswith("•")]

        assert len(details) == len(set(details))
        assert not any(line.removeprefix("• ") in told for line in details)


def test_after_a_comparison_the_reply_says_what_it_is_about() -> None:
    """ "Does that have side effects?" after minoxidil must not look like an answer about minoxidil."""
    asked = question("side_effects", "does that have side effects?", ranking=[("side_effects", 0.99)])
    reply = talk("compare_minoxidil", [asked])[-1]

    assert reply.text.startswith(NOTICES["about_mesotherapy"])
    assert "about_mesotherapy" in reply.notices


# -- asking back


def test_price_of_another_treatment_is_no_word_about_mesotherapy_alone() -> None:
    """Asked for the price after PRP, the reply names both; nothing says that it is about mesotherapy only."""
    after = Memory(topics=("compare_prp",))
    reply, _ = ask(question("cost", "how much does it cost?"), memory=after)

    assert "about_mesotherapy" not in reply.notices


@pytest.mark.parametrize(
    ("document", "text"), [("guide", "and the guide?"), ("review", "what does the review say about it?")]
)
@pytest.mark.parametrize("name", TOPICS)
def test_one_document_is_told_alone(name: str, document: str, text: str) -> None:
    """Asked what one of the documents says, the reply holds its statements on the topic, or says that there is none."""
    own = [
        each for each in KNOWLEDGE.topics[name].statements if KNOWLEDGE.statements[each].document == document
    ]
    reply, kept = ask(question(UNCLEAR, text, sure=False), memory=Memory(topics=(name,)))

    assert (name,) == kept.topics == reply.topics
    assert set(reply.statements) <= set(own)
    assert bool(own) is bool(reply.statements) is ("document_silent" not in reply.notices)
    assert len(reply.text) <= LONGEST_OF_ALL


@pytest.mark.parametrize("document", ["guide", "review"])
@pytest.mark.parametrize("name", TOPICS)
def test_a_question_put_to_one_document_is_answered_from_it(name: str, document: str) -> None:
    """The reply holds statements of that document alone, and says where the two differ; a silent one is said to be silent."""
    topic = KNOWLEDGE.topics[name]
    own = {each for each in topic.statements if KNOWLEDGE.statements[each].document == document}
    reply, kept = ask(question(name, document=document))

    assert (name,) == kept.topics == reply.topics
    assert bool(own) is ("document_silent" not in reply.notices)
    assert not own or set(reply.statements) <= own
    assert bool(reply.statements)
    assert (NOTICES["differ"].format(differ_on=topic.differ_on) in reply.text) is bool(topic.sides)


def test_the_other_document_is_offered_where_the_two_differ() -> None:
    """After one document's side a button asks for the other's, and that button is understood."""
    reply, kept = ask(question("pain", document="review"))
    other, _ = ask(question(UNCLEAR, reply.buttons[0], sure=False), memory=kept)

    assert {"guide"} == {KNOWLEDGE.statements[name].document for name in other.statements}


def test_several_questions_put_to_one_document_are_all_answered_from_it() -> None:
    """Each topic is told as that document tells it; where it is silent, that is said and the other one answers."""
    reply, _ = ask(question("pain", "pain", document="guide"), question("cost", "cost", document="guide"))
    guide, label = KNOWLEDGE.documents["guide"].name, KNOWLEDGE.topics["cost"].label

    assert ("pain", "cost") == reply.topics
    assert {"guide"} == speakers(set(reply.statements) & set(KNOWLEDGE.topics["pain"].statements))
    assert {"review"} == speakers(set(reply.statements) & set(KNOWLEDGE.topics["cost"].statements))
    assert NOTICES["document_silent"].format(document=guide, label=label) in reply.text
    assert 1 == reply.notices.count("document_silent")


def test_one_topic_put_to_each_document_is_told_by_both() -> None:
    """ "What does the guide say about pain, and what the review?" is the question for both."""
    reply, _ = ask(question("pain", "one", document="guide"), question("pain", "two", document="review"))

    assert {"guide", "review"} == speakers(reply.statements)
    assert ("pain",) == reply.topics


def test_another_subject_put_to_a_document_is_not_in_it() -> None:
    """ "What does the review say about the tides?" is told that the articles do not say it."""
    asked = [question("out_of_scope", document=document) for document in ("review", "")]

    assert ["not_in_documents", "out_of_scope"] == [ask(each)[0].kind for each in asked]


def test_after_a_comparison_a_question_to_one_document_is_about_mesotherapy() -> None:
    """What the review says about pain after a word about PRP must not look as if it were about PRP."""
    reply, _ = ask(question("pain", "pain", document="review"), memory=Memory(topics=("compare_prp",)))

    assert "about_mesotherapy" in reply.notices


def test_where_the_documents_differ_is_listed() -> None:
    """The list holds every point on which they differ, then those on which they agree, with both documents as its source."""
    reply, kept = ask("ask_differences")
    differing = {topic.id for topic in KNOWLEDGE.topics.values() if topic.agreement == "differ"}

    assert differing == set(reply.topics)
    assert all(KNOWLEDGE.topics[name].differ_on in reply.text for name in differing)
    agreed = reply.text.split("about the same on these: ")[1].split(". Ask me")[0].split("; ")
    assert agreed == [topic.label for topic in KNOWLEDGE.topics.values() if topic.agreement == "agree"]
    assert {"guide", "review"} == {source["document"] for source in reply.sources}
    assert () == kept.topics
    assert LONGEST_OF_ALL >= len(reply.text)


def test_which_is_best_before_any_answer_gets_no_verdict() -> None:
    """ "Which one is better, the guide or the review?" is told that the bot does not choose."""
    assert ("bottom_line", "disclaimer_short") == ask("ask_verdict")[0].notices


@pytest.mark.parametrize(
    "text",
    ["do they disagree on that?", "do they agree?", "why don't they agree"],
)
@pytest.mark.parametrize("name", ["pain", "side_effects", "compare_prp"])
def test_whether_they_differ_on_that_is_about_the_last_answer(name: str, text: str) -> None:
    """The last topic is told as both documents tell it, and whether they agree, or that one of them is silent."""
    topic = KNOWLEDGE.topics[name]
    reply = talk(name, [question("ask_differences", text, ranking=[("ask_differences", 0.9)])])[1]
    said = {
        "differ": NOTICES["differ"].format(differ_on=topic.differ_on),
        "agree": NOTICES["agree"],
        "one": topic.open,
    }

    assert (name,) == reply.topics
    assert said[topic.agreement] in reply.text
    assert ("agree" in reply.notices) is (topic.agreement == "agree")


@pytest.mark.parametrize("text", ["what else do they disagree on", "on which points do they differ"])
def test_what_else_they_differ_on_is_the_whole_list(text: str) -> None:
    """Asked for the points after an answer, the reply is the list; "the first one" is then the first of it."""
    asked = question("ask_differences", text, ranking=[("ask_differences", 0.9)])
    replies = talk("pain", [asked], [question(UNCLEAR, "the first one", sure=False)])

    assert 1 < len(replies[1].topics)
    assert replies[1].topics[:1] == replies[2].topics


@pytest.mark.parametrize(
    ("document", "text"), [("guide", "sum up the guide"), ("review", "what does the second article say")]
)
def test_what_a_document_is_about_is_told_by_its_topics(document: str, text: str) -> None:
    """The reply names the document, who published it, and topics that it says something about."""
    reply, _ = ask(question("ask_contents", text))
    told = KNOWLEDGE.documents[document]
    own = {
        topic.label: any(KNOWLEDGE.statements[name].document == document for name in topic.statements)
        for topic in KNOWLEDGE.topics.values()
    }

    assert told.title in reply.text
    assert told.publisher in reply.text
    listed = reply.text.split("these points: ")[1].split(". Ask me")[0].split("; ")
    assert {label for label, has in own.items() if has} >= {*listed}
    assert len(listed) == len({*listed}) > 5
    assert LONGEST_OF_ALL >= len(reply.text)


def test_what_can_be_asked_of_one_document_is_what_it_is_about() -> None:
    """ "Which topics are in the guide?" is read without its last words; the guide's contents are told all the same."""
    reply, _ = ask(question("capabilities", "which topics are", document="guide"))

    assert KNOWLEDGE.documents["guide"].title in reply.text


def test_what_both_documents_are_about_is_what_can_be_asked() -> None:
    """A question for the contents that names no single document gets the list of what can be asked."""
    assert "capabilities" in ask(question("ask_contents", "what are your articles about"))[0].notices


def test_one_document_on_five_topics_is_not_too_long() -> None:
    """What one document says on many topics fits into one reply, or the reply says that something is left out."""
    asked = question(UNCLEAR, "and the review?", sure=False)
    many = [TOPICS[place : place + 5] for place in range(len(TOPICS) - 4)]
    replies = [ask(asked, memory=Memory(topics=tuple(names)))[0] for names in many]

    assert LONGEST_OF_ALL >= max(len(reply.text) for reply in replies)
    assert any("too_many" in reply.notices for reply in replies)


def test_the_other_document_is_the_one_that_was_not_told() -> None:
    """ "And the other article?" goes on with the one that the last reply did not speak of."""
    after_both = ask("pain")[1]
    for document, other in (("guide", "review"), ("review", "guide")):
        first, kept = ask(question(UNCLEAR, f"what does the {document} say", sure=False), memory=after_both)
        second, _ = ask(question(UNCLEAR, "and the other article?", sure=False), memory=kept)

        assert ({document}, {other}) == (speakers(first.statements), speakers(second.statements))


def test_asks_which_of_two_is_meant() -> None:
    """Between two topics, the reply names both and offers both as buttons."""
    reply = ask(BETWEEN_TWO)[0]
    expected = NOTICES["clarify"].format(
        first=KNOWLEDGE.topics["pain"].label, second=KNOWLEDGE.topics["needle"].label
    )

    assert "clarify" == reply.kind
    assert reply.text.startswith(expected)
    assert 2 == len(set(reply.buttons))


def test_asks_back_once_and_not_twice() -> None:
    """A second unclear message in a row is not asked back about; a later one may be."""
    kinds = [reply.kind for reply in talk([BETWEEN_TWO], [BETWEEN_TWO], [BETWEEN_TWO])]

    assert ["clarify", "out_of_scope", "clarify"] == kinds


def test_yes_to_this_or_that_answers_both() -> None:
    """A plain "yes" after the bot's own question gets what was offered, and no remark."""
    reply = talk([BETWEEN_TWO], "affirm")[-1]

    assert ("pain", "needle") == reply.topics


def test_answer_to_asking_back_is_an_answer() -> None:
    """After an answer, what was asked back is forgotten."""
    kinds = [reply.kind for reply in talk([BETWEEN_TWO], "definition", [BETWEEN_TWO])]

    assert ["clarify", "answer", "clarify"] == kinds


def test_does_not_ask_back_with_a_single_option() -> None:
    """Where only one topic is likely there is nothing to choose from."""
    assert "out_of_scope" == ask(question(CLARIFY, ranking=[("pain", 0.4), ("greet", 0.3)]))[0].kind


# -- the clinic


@pytest.mark.parametrize("intent", ["clinic", "human", "frustration", "cost"])
def test_clinic_settings_are_shown(intent: str) -> None:
    """Where the clinic can help, its name, phone and address stand in the reply."""
    text = ask(intent, settings=CLINIC)[0].text

    assert "Hair Centre (phone 020 7946 0000, hc.example)" in text


def test_clinic_settings_are_shown_beside_an_answer() -> None:
    """A matter of the clinic beside a question gets the clinic's contact too."""
    assert CLINIC.clinic in ask("pain", "clinic", settings=CLINIC)[0].text


def test_braces_in_a_clinic_name_are_only_letters() -> None:
    """A name that looks like something to be filled in is shown as it is written."""
    odd = Settings(clinic_name="The {clinic} {0}")

    assert [odd.clinic in ask(intent, settings=odd)[0].text for intent in ("clinic", "cost")] == [True, True]


def test_clinic_settings_make_no_blank_line() -> None:
    """A contact of several paragraphs does not cut the bubble in two."""
    text = ask("clinic", settings=Settings(clinic_contact="Door 1\n\nDoor 2"))[0].text

    assert "\n\n" not in text
