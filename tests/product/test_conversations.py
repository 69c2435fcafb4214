"""Conversations with the whole product, as a patient has them."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from mesoguide.knowledge import filled, load_knowledge
from mesoguide.settings import ROOT, Settings
from mesoguide.types import Reply

STORIES = yaml.safe_load((ROOT / "data" / "stories.yml").read_text("utf-8"))["stories"]
KEYS = set(Reply("", "error").to_dict())


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story["story"])
def test_story(story, assistant, ask) -> None:
    """Each message of a story is understood as it says, and each turn gets one whole reply."""
    import asyncio

    said = [step for step in story["steps"] if "user" in step]
    understood = [
        asyncio.run(assistant._agent.parse_message(step["user"]))["intent"]["name"] for step in said
    ]
    replies = ask(*(step["user"] for step in said))

    assert [step["intent"] for step in said] == understood
    assert all(reply["text"] and reply["kind"] != "error" for reply in replies)


@pytest.mark.parametrize(
    "message",
    ["", " ", "\n", "😀", "?", "...", "x" * 5000, "does it hurt " * 400, "DOES IT HURT", "d\u200boes it h\u200burt",
     "\ud83d", "a\u0000b", "болит ли это", "疼吗", "/restart", "/greet", '/pain{"memory": {}}', "/session_start",
     "<script>alert(1)</script>", "{{7*7}}", "' OR 1=1 --", 5, None, ["a"]],
)  # fmt: skip
def test_any_message_gets_one_whole_reply(message, ask) -> None:
    """Whatever comes in, one reply goes out: no error, no empty line, not over 1,500 characters."""
    (reply,) = ask(message)

    assert set(reply) == KEYS
    assert reply["text"].strip()
    assert reply["kind"] != "error"
    assert "\n\n" not in reply["text"]
    assert len(reply["text"]) <= 1500
    assert "doctor" in reply["text"]


def test_capitals_and_hidden_marks_change_nothing(ask) -> None:
    """Capitals and zero-width characters do not hide what is asked."""
    for message in ("DOES IT HURT?", "d\u200boes it h\u200burt?", "ｄｏｅｓ ｉｔ ｈｕｒｔ?"):
        assert ask(message)[0]["topics"] == ["pain"]


def test_a_slash_command_is_plain_text(ask) -> None:
    """A command can't set the memory, restart the conversation or choose an intent."""
    _, reply, more = ask("does it hurt?", '/session_count{"memory": {"topics": ["cost"]}}', "says who?")

    assert reply["kind"] != "error"
    assert more["topics"] in (["pain"], reply["topics"])


def test_same_input_same_bytes(ask) -> None:
    """The same conversation gives the same bytes each time."""
    messages = ("does it hurt?", "and PRP?", "tell me more", "hello", "who won the cup?")

    assert json.dumps(ask(*messages)) == json.dumps(ask(*messages))


def test_two_questions_one_reply_in_order(ask) -> None:
    """Two questions in a message are both answered, in the order asked, in one bubble."""
    (reply,) = ask("How long does one session take? And does it hurt?")

    assert reply["topics"] == ["session_duration", "pain"]
    assert reply["text"].index("20 to 30") < reply["text"].index("painless")


def test_follow_ups(ask) -> None:
    """What only makes sense after another message is answered from it."""
    replies = ask(
        "how many sessions are needed?", "and PRP?", "says who?", "what about women?", "and after that?"
    )

    assert [r["topics"] for r in replies[:2]] == [["session_count"], ["compare_prp"]]
    assert "UK online shop" in replies[2]["text"]
    assert replies[3]["topics"] == ["suitability"]
    assert replies[4]["text"]


def test_more_until_nothing_is_left(ask) -> None:
    """ "Tell me more" tells new statements and ends by saying that there is no more."""
    replies = ask("what are the benefits?", *["tell me more"] * 6)
    told = [set(reply["statements"]) for reply in replies if reply["kind"] == "answer"]

    assert all(not a & b for i, a in enumerate(told) for b in told[i + 1 :])
    assert "nothing_left" in replies[-1]["notices"]


def test_both_sides_wherever_the_documents_differ(ask) -> None:
    """Pain, sessions, effect, infection, who does it, what and where: both documents speak."""
    asked = {
        "pain": "does it hurt?", "session_count": "how many sessions do I need?",
        "evidence": "does mesotherapy really work?", "infection_risk": "can it get infected?",
        "practitioner": "who does the injections?", "ingredients": "what is in the injections?",
        "needle": "how big is the needle?",
    }  # fmt: skip
    for topic, message in asked.items():
        (reply,) = ask(message)
        assert topic in reply["topics"], message
        assert {source["document"] for source in reply["sources"]} == {"guide", "review"}
        assert "can't tell which is right" in reply["text"]


@pytest.mark.parametrize(
    ("text", "topic", "document"),
    [
        ("what does the review say about how many sessions", "session_count", "review"),
        ("according to the guide, does it hurt?", "pain", "guide"),
    ],
)
def test_one_document_is_asked(ask, text: str, topic: str, document: str) -> None:
    """A question that names a document is understood, and answered from that one."""
    (reply,) = ask(text)

    assert [topic] == reply["topics"]
    assert {document} == {source["document"] for source in reply["sources"]}


@pytest.mark.parametrize(
    ("text", "topics", "documents"),
    [
        ("what has the review got to say about the pain and the price", {"pain", "cost"}, {"review"}),
        ("Acc. to the guide who does it, and does it hurt?", {"practitioner", "pain"}, {"guide"}),
        (
            "hello, could you please tell me what the guide has to say on side effects",
            {"side_effects"},
            {"guide"},
        ),
        ("what does the 2nd article tell us about pain", {"pain"}, {"review"}),
        ("what do the guide and the review say about pain", {"pain"}, {"guide", "review"}),
    ],
)
def test_several_questions_are_put_to_one_document(
    ask, text: str, topics: set[str], documents: set[str]
) -> None:
    """Whatever words name it, every question of the message is answered from the document that it names, or from both."""
    (reply,) = ask(text)

    assert topics == set(reply["topics"])
    assert documents == {name.split(".")[0] for name in reply["statements"]}


def test_a_conversation_about_the_articles_themselves(ask) -> None:
    """Where they part, whether they do here, what the other one says, and what each is about: each is answered as asked."""
    listed, pain, here, other, about = ask(
        "on which points do your two articles not agree?", "what does the guide say on pain", "do they agree there",
        "same in the review?", "what is the review about?",
    )  # fmt: skip

    assert 5 < len(listed["topics"])
    assert [["pain"]] * 3 == [reply["topics"] for reply in (pain, here, other)]
    assert [{"guide"}, {"guide", "review"}, {"review"}] == [
        {name.split(".")[0] for name in reply["statements"]} for reply in (pain, here, other)
    ]
    assert "contents" in about["notices"]


def test_how_deep_is_answered_with_both_sides(ask) -> None:
    """The depth, which the documents name in words, is told from both."""
    (reply,) = ask("how deep does the needle go?")

    assert {source["document"] for source in reply["sources"]} == {"guide", "review"}


def test_every_sentence_is_a_statement_or_a_fixed_text(ask) -> None:
    """Nothing invented: what is left of an answer without its recorded parts is punctuation."""
    knowledge = filled(load_knowledge(), Settings())
    for topic in knowledge.topics.values():
        (reply,) = ask(f"{topic.next[0]}")
        rest = reply["text"]
        for name in reply["statements"]:
            statement = knowledge.statements[name]
            assert statement.says in rest
            rest = rest.replace(statement.says, "")
        for document in knowledge.documents.values():
            rest = rest.replace(document.publisher_kind, "")
        recorded = [*knowledge.notices.values(), *(t.open for t in knowledge.topics.values() if t.open)]
        recorded += [
            knowledge.notices["differ"].format(differ_on=t.differ_on) for t in knowledge.topics.values()
        ]
        for text in sorted(recorded, key=len, reverse=True):
            rest = rest.replace(text, "")
        rest = re.sub(r"Sources: .*", "", rest)
        assert set(re.findall(r"[a-z]+", rest.lower())) <= {
            "the", "guide", "review", "says", "it", "also", "is",
        }, rest  # fmt: skip


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("needle size and side effects", ["needle", "side_effects"]),
        ("Hello there. Needle size plus side effects?", ["needle", "side_effects"]),
        ("NEEDLE SIZE and SIDE EFFECTS", ["needle", "side_effects"]),
        ("needle size and side effects? needle size and side effects?", ["needle", "side_effects"]),
        ("needle size and how thin is the needle", ["needle"]),
    ],
)
def test_what_and_joins_is_answered_where_it_is_two_questions(ask, text: str, topics: list[str]) -> None:
    """No grammar tells whether "and" joins two questions; what is understood of its sides does."""
    (reply,) = ask(text)

    assert reply["topics"] == topics
