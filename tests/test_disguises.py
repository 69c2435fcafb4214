"""Words for a red flag that are written so that a program reads over them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesoguide import checks
from mesoguide.checks import pattern_problems
from mesoguide.disguises import disguises, undisguised
from mesoguide.errors import DataError
from mesoguide.failure import failure_reply
from mesoguide.safety import NONE, calibration, examples, matched
from mesoguide.settings import Settings


@pytest.mark.parametrize(
    ("shown", "typed"),
    [
        ("suicide. is prp better?", "s u i c i d e. is prp better?"),
        ("i think of suicide", "i think of s.u.i.c.i.d.e"),
        ("i think of suicide", "i think of S-U-I-C-I-D-E"),
        ("suicide", "sui-cide"),
        ("suicide", "su1c1de"),
        ("suicide", "$uicide"),
        ("suicide", "süicidé"),
        ("suicide", "suіcіde"),  # Cyrillic letters
        ("i will kill myself", "i will k!ll my$elf"),
        ("i will kill myself", "i will k*ll myself"),
        ("i will kill myself", "i will kill_myself"),
        ("kill   myself", "k i l l   m y s e l f"),
        ("he has chest pain", "he has c h e s t  p a i n"),
        ("i c@nt swallow", "i c@nt sw@llow"),
        ("the spot has pus", "the spot has p.u.s"),
        ("swollen lips, how long is it", "swollen l1ps, how long is it"),
        ("an overdose", "an 0verdo5e"),
        ("he drank bleach", "he dr@nk bl3ach"),  # certain.yml
    ],
)
def test_a_disguised_word_for_a_red_flag_is_shown(shown: str, typed: str) -> None:
    """Letters apart, signs and figures for letters, letters of other alphabets and masked vowels are read as meant."""
    expected = shown.replace("c@nt", "cant")
    assert " ".join(undisguised(typed).lower().split()) == " ".join(expected.split())


class Few:
    """Few words, as the language package knows many."""

    WORDS = frozenset(
        "i want to die my throat is closing have lupus does it hurt pregnant cant breathe".split()
    )

    def knows(self, word: str) -> bool:
        return word.lower() in self.WORDS

    def parted(self, word: str) -> str:
        for at in range(1, len(word)):
            if word[:at] in self.WORDS:
                rest = word[at:] if word[at:] in self.WORDS else self.parted(word[at:])
                if rest:
                    return f"{word[:at]} {rest}"
        return ""


@pytest.mark.parametrize(
    ("shown", "typed"),
    [
        ("i want to die", "i w a n t t o d i e"),
        ("i want to die now", "iwanttodie now"),
        ("my throat is closing", "m-y-t-h-r-o-a-t-i-s-c-l-o-s-i-n-g"),
        ("i cant breathe", "i%20cant%20breathe"),
        ("i want to die", "1 w4nt t0 d13"),
        ("i want to die", "ɪ ᴡᴀɴᴛ ᴛᴏ ᴅɪᴇ"),
        ("i want to die", "🅸 🆆🅰🅽🆃 🆃🅾 🅳🅸🅴"),
        ("i want to die", "ι ωαηт тσ ∂ιє"),
        ("i am pregnant", "i am p r e g n a n t"),
        ("i have lupus", "i h-a-v-e l-u-p-u-s"),
        ("does it hurt", "dоеs іt hurt"),  # Cyrillic letters
        ("does it hurt", "d o e s i t h u r t"),
    ],
)
def test_words_letter_by_letter_are_read(shown: str, typed: str) -> None:
    """With somebody who knows words, run-together ones part for a red flag, and spelled ones are always read."""
    expected = shown.replace("i have", "i h-a-v-e")  # too short a word to be surely one
    assert undisguised(typed, Few()) == expected


@pytest.mark.parametrize(
    "text", ["hurtitdoes", "is A B C D in it", "i s i t", "lupusisit 5 x 4", "я хочу", "naïve café"]
)
def test_words_that_tell_of_no_red_flag_stay_together(text: str) -> None:
    """What is run together is parted for a red flag alone, and few letters make no word."""
    assert undisguised(text, Few()) == text


@pytest.mark.parametrize(
    "text",
    [
        "do vitamins A B C D help", "what is P.R.P", "2-3 sessions, 4 weeks apart!", "b4 or after 2pm?", "f*** this price",
        "no pus, no fever", "suicide", "не хочу", "e-mail me", "", "!!!", "s u", "a.m. or p.m.",
    ],
)  # fmt: skip
def test_all_else_stays_as_it_is(text: str) -> None:
    """What shows no red flag, or hides none, is read as it is written."""
    assert undisguised(text) == text


def test_taking_one_disguise_off_hides_no_other_red_flag() -> None:
    """What was to be seen before is still to be seen after."""
    shown = undisguised("no.pus.but sui-cide, and my throat is closing")
    assert set(matched(shown)) == {"self_harm", "emergency", "urgent"}


def test_no_harmless_message_is_read_as_a_disguise() -> None:
    """Of all messages that the stop is taught or calibrated on as harmless, none is taken for a disguise."""
    harmless = [text for text, tier in examples() if tier == NONE]
    harmless += [row.text for row in calibration() if row.tier == NONE]

    assert [text for text in harmless if undisguised(text) != text] == []


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    """No text fails, and what was shown hides nothing more."""
    shown = undisguised(text)
    assert undisguised(shown) == shown


def test_a_disguised_red_flag_gets_its_card_when_the_product_fails() -> None:
    """Without a model and without n-grams, too, "k!ll my$elf" gets the text for a crisis."""
    assert failure_reply("i want to k!ll my$elf", Settings(), guess=False).tier == "self_harm"


@pytest.mark.parametrize(
    "text",
    [
        'between: "."\nfor_a_vowel: "*"\n',
        'look_alikes: {ab: "1"}\nbetween: "."\nfor_a_vowel: "*"\n',
        'look_alikes: {a: 4}\nbetween: "."\nfor_a_vowel: "*"\n',
        'look_alikes: {a: "4", e: "4"}\nbetween: "."\nfor_a_vowel: "*"\n',
        'look_alikes: {a: "4"}\nbetween: ""\nfor_a_vowel: "*"\n',
        'look_alikes: {a: "4"}\nbetween: "."\nfor_a_vowel: [a]\n',
    ],
)
def test_a_wrong_list_is_named(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong in safety/disguises.yml is said with its line, and found by the check."""
    (tmp_path / "disguises.yml").write_text(text, "utf-8")
    with pytest.raises(DataError, match=r"/disguises.yml:\d: error: "):
        disguises(tmp_path)

    monkeypatch.setattr(checks, "disguises", lambda: disguises(tmp_path))
    assert [problem.place.file for problem in pattern_problems()] == [f"{tmp_path.name}/disguises.yml"]
