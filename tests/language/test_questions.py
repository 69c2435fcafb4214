from __future__ import annotations

import itertools

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st

from en_mesoguide.questions import MOST_QUESTIONS, joined, question_spans

pytestmark = pytest.mark.slow

WORDS = st.sampled_from("does it hurt how long what ? . , and is safe also I'm 34 \n & or PRP".split(" "))


NLP = spacy.blank("en")


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (["does it hurt?", "how long does it take?"], "does it hurt? how long does it take?"),
        (["does it hurt", "how much does it cost?"], "does it hurt and how much does it cost?"),
        (["does it hurt", "how long does it take"], "does it hurt how long does it take"),
        (["does it hurt", "is it safe"], "does it hurt\nis it safe"),
        (["how does it work", "does it hurt", "is it safe?"], "how does it work, does it hurt & is it safe?"),
        (["does it hurt?"], "I'm losing my hair. does it hurt?"),
        (["Pain?", "Price?"], "Pain? Price?"),
        (["cost?", "how many?", "how long each?"], "cost? how many? how long each?"),
        (["is it surgery", "does it hurt"], "1) is it surgery 2) does it hurt"),
        (["does it hurt", "price", "is it safe"], "1) does it hurt 2) price 3) is it safe"),
        (["whats in the mix", "any side effects"], "whats in the mix, any side effects"),
        (["how long does it take", "about the cost"], "how long does it take and about the cost"),
        (["tell me the price", "the number of visits"], "tell me the price and the number of visits"),
        (
            ["of the nature", "of the price", "of the fee"],
            "inform me (a) of the nature, (b) of the price and (c) of the fee",
        ),
        (["Who can", "Who cannot", "Fees"], "Please advise: 1. Who can 2. Who cannot 3. Fees"),
        (
            ["is it a doctor that does it", "how many are there"],
            "is it a doctor that does it and how many are there",
        ),
        (["who shouldn't have it?", "is it safe?"], "who shouldn't have it? is it safe?"),
        (
            ["what proof is there that it does it", "does it hurt"],
            "what proof is there that it does it, does it hurt",
        ),
        (["could one have it with PRP", "how much is it?"], "could one have it with PRP and how much is it?"),
        (
            ["what is different about it", "is there a needle"],
            "what is different about it, and is there a needle",
        ),
        (
            ["if it fails is it dangerous", "how much is it"],
            "if it fails is it dangerous, and how much is it",
        ),
        (["what about the cost", "does it hurt"], "Now I know. what about the cost; does it hurt"),
        (["wondering if it is safe", "if it hurts"], "wondering if it is safe and if it hurts"),
        (
            ["tell me the steps.", "pain will be there or not."],
            "tell me the steps. pain will be there or not.",
        ),
        (
            ["what are the side effects? bad ones?", "is it safe?"],
            "what are the side effects? bad ones? is it safe?",
        ),
    ],
)
def test_proposes_each_question(expected: list[str], text: str) -> None:
    """A message with several questions is cut between them, without the joining words."""
    assert expected == question_spans(NLP(text))


@pytest.mark.parametrize(
    "told",
    [
        "I am losing my hair.",
        "I have thin hair.",
        "I know what it is.",
        "We understand roughly how it works;",
    ],
)
def test_proposes_no_part_that_only_tells(told: str) -> None:
    """A sentence that asks nothing is left out beside one that does."""
    expected = ["does it hurt?"]

    assert expected == question_spans(NLP(f"{told} does it hurt?"))


@pytest.mark.parametrize(
    "text",
    [
        "does it hurt?",
        "is it safe and effective?",
        "PRP or minoxidil?",
        "how long should I wait",
        "hi, does it hurt",
        "what vitamins and minerals are in it?",
        "is it this or do they do that",
        "I want to know how it works",
        "hello",
        "?",
        "",
    ],
)
def test_one_question_stays_whole(text: str) -> None:
    """A single question is not cut, whatever "and" or "or" it holds."""
    assert len(NLP(text)._.questions) <= 1


@given(st.lists(WORDS, max_size=60).map(" ".join))
def test_proposals_are_parts_of_the_text(text: str) -> None:
    """Whatever is typed, each part stands in the text, in order, and there are a few at most."""
    doc = NLP(text)
    spans = doc._.questions

    assert len(spans) <= MOST_QUESTIONS
    assert all(a.end == b.start for a, b in itertools.pairwise(spans))
    assert all(part in text for part in question_spans(doc))


@given(st.text(max_size=200))
def test_any_text_can_be_split(text: str) -> None:
    """No text makes the component fail."""
    assert all(part.strip() for part in question_spans(NLP(text)))


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (
            {"needle size and painful or not": ["needle size", "painful or not"]},
            "needle size and painful or not",
        ),
        (
            {"what is in it also side effects": ["what is in it", "side effects"]},
            "what is in it also side effects",
        ),
        (
            {"safe for men and elderly women?": ["safe for men", "elderly women?"]},
            "hi. safe for men and elderly women?",
        ),
        ({"is it safe and effective?": ["is it safe", "effective?"]}, "is it safe and effective?"),
        ({"cost, pain/side effects": ["cost", "pain", "side effects"]}, "cost, pain/side effects"),
        ({"the price & the pain please": ["the price", "the pain please"]}, "the price & the pain please"),
        ({"any risks any studies": ["any risks", "any studies"]}, "any risks any studies"),
        ({"how safe how much how long": ["how safe", "how much", "how long"]}, "how safe how much how long"),
        (
            {"price - weeks between - pain": ["price", "weeks between", "pain"]},
            "- price - weeks between - pain",
        ),
        ({"please tell: steps, safety": ["steps", "safety"]}, "please tell: steps, safety"),
        (
            {"what does the review say about pain and cost?": ["pain", "cost?"]},
            "what does the review say about pain and cost?",
        ),
        (
            {"pain and cost according to the review": ["pain", "cost"]},
            "pain and cost according to the review",
        ),
        (
            {"say what they inject or whether it lasts": ["say what they inject", "whether it lasts"]},
            "say what they inject or whether it lasts",
        ),
        ({}, "is it a follow-up in 3-4 weeks?"),
        ({}, "does it hurt?"),
        ({}, "a, b, c, d, e, f, g"),
        ({}, "how does that thing work and what is in it and who would do that to me and what is it for"),
        ({}, ""),
    ],
)
def test_what_joining_words_stand_between_may_be_asked_apart(
    expected: dict[str, list[str]], text: str
) -> None:
    """A bare list comes with its items, another possible question with its two or three longer pieces."""
    assert expected == joined(NLP(text))


@given(st.lists(WORDS, max_size=60).map(" ".join))
def test_pieces_are_few_and_stand_in_their_question(text: str) -> None:
    """Whatever is typed, no question has more pieces than are looked at, and each stands in it."""
    for asked, pieces in joined(NLP(text)).items():
        assert 1 < len(pieces) <= MOST_QUESTIONS
        assert all(piece in asked for piece in pieces)
