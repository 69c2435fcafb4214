"""Which document a message wants to hear."""

from __future__ import annotations

import pytest

from mesoguide.named_document import asked_document, named_document, only_document, put_to
from mesoguide.types import Memory
from tests.samples import KNOWLEDGE


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("guide", "and the guide?"),
        ("guide", "what does the guide say about that"),
        ("review", "does the review agree?"),
        ("review", "and what about the review"),
        ("review", "and the other article?"),
        ("review", "and the second article?"),
        ("review", "same in the review?"),
        ("review", "same question for the review pls"),
        ("review", "and acording to the review?"),
        ("", "and the review on finasteride"),
        ("review", "what about the review"),
        ("", "what is the review about?"),
        ("", "so what's the guide about"),
        ("review", "oops, wrong one, the review please"),
        ("guide", "I wanted the guide's version only"),
        ("guide", "no wait the guide i mean"),
        ("review", "not the guide, the review"),
        ("review", "i dont want the guide, only the review"),
        ("review", "what else does the review say about that"),
        ("", "the second one"),
        ("", "is there a guide for aftercare"),
        ("", "do the guide and the review agree?"),
        ("", "and other treatments?"),
        ("", "and the reviews?"),
        ("", "what does the review say about side effects"),
    ],
)
def test_a_follow_up_can_ask_for_one_document(expected: str, text: str) -> None:
    """Short words for one of the documents and nothing else ask for what it says on the last topic."""
    told = ("review.limits.pain", "review.faq.pain", "guide.procedure.pain")
    memory = Memory(topics=("pain",), told=told)

    assert expected == asked_document(text, memory, KNOWLEDGE)


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("review", "what does the review say about how many sessions"),
        ("guide", "does the guide mention pain?"),
        ("guide", "According to the guide, who should not have it"),
        ("review", "is there anything in the review on price"),
        ("review", "how many jabs does the review actually talk about?"),
        ("review", "review: does it work for men?"),
        ("guide", "the guide - how often do you have to go"),
        ("review", "what does the reveiw say about pain"),
        ("review", "what does the second article say about pain"),
        ("guide", "does the first one of the articles mention cost"),
        ("review", "according to review who may do it"),
        ("guide", "Acc. to the guide how soon do people see results"),
        ("review", "Pls what the review is telling about the price"),
        ("review", "the review said something about swelling i think, and bruises?"),
        ("guide", "so the guide claims its painless right?"),
        ("review", "review on infection?"),
        ("guide", "article 1 on cost"),
        ("review", "not the guide, what does the review say on cost"),
        ("review", "whats the reveiw say on side efects"),
        ("guide", "What's the guide's view on infection risk?"),
        ("review", "I only trust the review. is it safe?"),
        ("guide", "side effects and pain, guide only"),
        ("guide", "guide says what about the needle?"),
        ("review", "Looking at the review, when do you start to see hair"),
        ("guide", "What is mesotherapy, in the words of the guide?"),
        ("", "where is the guide for aftercare"),
        ("", "I read the review of your clinic, does it hurt"),
        ("", "the guide dog of my sister hates needles"),
        ("", "please review my photo"),
        ("", "what does the NHS guide say about pain"),
        ("", "google reviews on this clinic"),
        ("", "is there a user guide for this"),
        ("", "can you guide me on cost"),
        ("review", "and the review about cost"),
        ("review", "what has the review got to say about the pain and the price"),
        ("", "is the second session in the article"),
        ("", "what does the doctor say about pain"),
        ("", "the review says 8 to 10, is that enough?"),
        ("", "does the guide say the same as the review about pain"),
        ("", "how much does it hurt"),
        ("", "what do the reviews say about it"),
        ("", "according to the doctor it hurts. what does the guide cost"),
    ],
)
def test_a_question_can_be_put_to_one_document(expected: str, text: str) -> None:
    """Only a question for what one of the documents says is put to that one; its bare name is not enough."""
    assert expected == named_document(text, KNOWLEDGE)


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("guide", "sum up the guide"),
        ("", "guide or review"),
        ("", "what is it about"),
        ("review", "the 2nd article"),
    ],
)
def test_a_document_can_be_named_without_a_question(expected: str, text: str) -> None:
    """One name is enough where the question is known to be about a document; two are none."""
    assert expected == only_document(text, KNOWLEDGE)


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ("pain and cost?", "what does the review say about pain and cost?"),
        (
            "hi, ingredients and on the needles please",
            "hi, could you tell me what the guide has to say on ingredients and on the needles please",
        ),
        ("who should not have it", "According to the guide, who should not have it"),
        ("does it work for men?", "review: does it work for men?"),
        ("pain and cost", "pain and cost according to the review"),
        ("what does the review say about that", "what does the review say about that"),
        ("how many jabs", "how many jabs does the review talk about"),
        ("does it hurt", "does it hurt"),
        ("finasteride?", "guide on finasteride?"),
    ],
)
def test_what_is_asked_of_a_document_is_read_without_its_name(asked: str, text: str) -> None:
    """The words that name the document are cut off, unless nothing else is asked."""
    assert asked == put_to(text, KNOWLEDGE)[1]


def test_the_other_one_is_the_other_document_after_one_was_told() -> None:
    """Where the last answer was from one document alone, and about no other treatment, "the other one" is the other document."""
    one = ("review.limits.pain",)

    assert "guide" == asked_document("and the other one?", Memory(topics=("pain",), told=one), KNOWLEDGE)
    assert "" == asked_document("and the other one?", Memory(topics=("compare_prp",), told=one), KNOWLEDGE)
