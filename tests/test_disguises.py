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
from mesoguide.safety import NONE, calibration, examples
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
    ],
)
def test_a_disguised_word_for_a_red_flag_is_shown(shown: str, typed: str) -> None:
    """Letters apart, signs and figures for letters, letters of other alphabets and masked vowels are read as meant."""
    expected = shown.replace("c@nt", "cant")
    assert " ".join(undisguised(typed).lower().split()) == " ".join(expected.split())


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
    """Without a model, too, "k!ll my$elf" gets the text for a crisis."""
    assert failure_reply("i want to k!ll my$elf", Settings()).tier == "self_harm"


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
