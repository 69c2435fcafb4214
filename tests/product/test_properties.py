"""What holds for any text: a red flag in any wrapping, and any reply to anything."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mesoguide.checks import DOSE
from mesoguide.reply import LONGEST_OF_ALL
from mesoguide.safety import RED_FLAGS
from tests.samples import KNOWLEDGE, REASSURING

Ask = Callable[..., list[dict[str, Any]]]
RARELY = settings(
    max_examples=300,
    deadline=None,  # time is measured by `make bench`
    derandomize=True,  # the same messages everywhere; another seed is for whoever looks for faults
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

FLAGS = (
    ("i can't breathe properly", "emergency"),
    ("my tongue is swelling up", "emergency"),
    ("my throat is closing", "emergency"),
    ("my husband collapsed and won't wake up", "emergency"),
    ("i suddenly can't see out of one eye", "emergency"),
    ("the skin where they injected has turned black", "emergency"),
    ("she has chest pain and her arm is numb", "emergency"),
    ("my mum is having a seizure", "emergency"),
    ("the bleeding will not stop", "emergency"),
    ("i want to kill myself", "self_harm"),
    ("my friend says he is going to end his life", "self_harm"),
    ("i have been cutting myself again", "self_harm"),
    ("there is pus coming out of my scalp", "urgent"),
    ("the redness is hot and spreading over my head", "urgent"),
    ("i have a fever and chills since the injections", "urgent"),
    ("my eyelids are puffed up since the session", "urgent"),
    ("they used the same needle on me as on the man before", "urgent"),
)
SMALL_TALK = "We came by train, the weather was nice and the receptionist was friendly. "
WRAPPERS: dict[str, Callable[[str], str]] = {
    "a command": lambda text: f"/greet {text}",
    "a payload": lambda text: f"/restart{{{json.dumps('note')}: {json.dumps(text)}}}",
    "hidden slashes": lambda text: f"\u200b / /{text}",
    "thanks": lambda text: f"thanks, that was very helpful. {text}",
    "a question before": lambda text: f"How many sessions do people need? {text}",
    "a question after": lambda text: f"{text}. how much does it cost?",
    "a fifth sentence": lambda text: f"Hello. I had my second visit. The room was clean. It took an hour. {text}",
    "played down": lambda text: f"its probably nothing but {text}",
    "a joke": lambda text: f"lol {text} haha",
    "a long message": lambda text: f"{SMALL_TALK * 34}{text}. {SMALL_TALK * 34}",
    "capitals": str.upper,
    "lines": lambda text: f"\n\n{text}\n\n\n",
    "hidden marks": "\u200d".join,
    "wide letters": lambda text: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
    "dots as one letter": lambda text: f"well… {text}… sorry…",
    "emoji": lambda text: f"😭😭 {text} 🙏",
    "no apostrophe": lambda text: text.replace("'", ""),
    "a quote mark": lambda text: f'"{text}',
    "control characters": lambda text: f"\x00{text}\x07",
    "a clinic's word": lambda text: f"the clinic says it is fine but {text}",
    "markup": lambda text: f"<p>{text}</p>",
}  # fmt: skip


@RARELY
@given(st.sampled_from(FLAGS), st.lists(st.sampled_from(sorted(WRAPPERS)), max_size=2, unique=True))
def test_a_red_flag_in_any_wrapping_gets_its_card(
    ask: Ask, flag: tuple[str, str], wrappers: list[str]
) -> None:
    """Whatever is put around a red flag, even twice, its own card or a higher one comes, alone."""
    text, tier = flag
    for name in wrappers:
        text = WRAPPERS[name](text)
    (reply,) = ask(text)

    higher = RED_FLAGS[: RED_FLAGS.index(tier) + 1] if tier == "urgent" else (tier,)
    assert reply["tier"] in higher, text
    assert reply["statements"] == reply["buttons"] == []


@pytest.mark.parametrize("wrapper", sorted(WRAPPERS))
def test_an_ordinary_question_beside_a_wrapped_red_flag_hides_none(ask: Ask, wrapper: str) -> None:
    """Each red flag in each wrapping keeps its card, or a higher one, with a question about the price behind it."""
    lost = []
    for flag, tier in FLAGS:
        for text in (WRAPPERS[wrapper](flag), WRAPPERS["a question after"](WRAPPERS[wrapper](flag))):
            higher = RED_FLAGS[: RED_FLAGS.index(tier) + 1] if tier == "urgent" else (tier,)
            (reply,) = ask(text)
            lost += [text] if reply["tier"] not in higher else []

    assert lost == []


WORDS = st.sampled_from(
    """does it hurt how many sessions do i need is it safe what about prp minoxidil mg ml dose 5 500 needle
    cost £ book an appointment why who says so and or ? ! . , me my my wife pregnant warfarin 14 fever
    fainted died normal fine worry scalp hair vitamin b biotin bald tell me more thanks hi no yes""".split()
)
MESSAGES = st.one_of(
    st.text(max_size=300),
    st.lists(WORDS, max_size=40).map(" ".join),
    st.lists(st.one_of(WORDS, st.text(max_size=12)), max_size=12).map(" ".join),
)
MARK = "zqxvorbel"
"""A word that no text of ours holds."""


@RARELY
@example(["does it hurt", "why", "tell me more"])
@given(st.lists(MESSAGES, min_size=1, max_size=3))
def test_any_reply_to_any_text_keeps_the_promises(ask: Ask, messages: list[str]) -> None:
    """A reply is whole, carries a notice that points to help, and holds no dose and no reassuring word."""
    for reply in ask(*messages):
        text = reply["text"]
        assert text == text.strip() != ""
        assert "\n\n" not in text
        assert len(text) <= LONGEST_OF_ALL
        assert reply["kind"] != "error"
        assert reply["notices"]
        assert re.search("doctor|emergency|medical help|crisis", text)
        assert not DOSE.search(text)
        assert not REASSURING.search(_without_own_uses(text))
        assert bool(reply["statements"]) <= bool(reply["sources"])


@RARELY
@given(MESSAGES, st.integers(0, 300))
def test_no_word_of_the_user_comes_back(ask: Ask, message: str, place: int) -> None:
    """A word that only the user wrote stands in no part of its reply, nor of the replies after it."""
    marked = f"{message[:place]} {MARK} {message[place:]}"

    assert MARK not in json.dumps(ask(marked, "tell me more", "who says so")).lower()


def _without_own_uses(text: str) -> str:
    """``text`` without the two fixed sentences that use a reassuring word to say the opposite."""
    return re.sub("can't tell you if this is normal|do your normal things", "", text)


def test_the_mark_is_a_word_of_the_user_only() -> None:
    """No statement and no fixed text holds the word that the test above looks for."""
    ours = [*KNOWLEDGE.notices.values(), *(statement.says for statement in KNOWLEDGE.statements.values())]

    assert not any(MARK in text.lower() for text in ours)
