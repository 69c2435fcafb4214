from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mesoguide.cleaning import INVISIBLE, MOST_CHARACTERS, MOST_READ, door_text, readable

NASTY = st.sampled_from("/\\ \t\n\r\x00\x07\x1b\x7f\x85\u200b\u202e\ufeff\u2028\ud800\udfff／ａ🙂é")
ANY_TEXT = st.text(NASTY | st.characters())
"""Any text at all, with lone surrogates, and often with what is known to do harm."""


@given(ANY_TEXT)
def test_door_lets_only_encodable_text_in(text: str) -> None:
    """What comes through the door can be written as UTF-8, whatever was typed."""
    assert door_text(text).encode("utf-8") is not None


@given(ANY_TEXT)
def test_door_keeps_control_characters_out(text: str) -> None:
    """No NUL and no other control character gets in, but line break and tab do."""
    controls = {c for c in door_text(text) if unicodedata.category(c) == "Cc"}

    assert controls <= {"\n", "\t"}


@given(ANY_TEXT)
@example("/ /restart")
def test_door_takes_no_command(text: str) -> None:
    """No text starts with a slash: Rasa would take it for a command."""
    assert not door_text(text).startswith("/")


@given(ANY_TEXT, st.integers(2, 50))
@example("／restart", 50)
@example("\u200b/restart", 50)
def test_reading_makes_no_command(text: str, longest: int) -> None:
    """A slash that only shows once the text is made readable is no command either."""
    assert not readable(door_text(text), longest).startswith("/")


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="/")).map(str.strip))
def test_door_changes_no_ordinary_text(text: str) -> None:
    """Letters, emoji and marks of any language come in as they were typed."""
    assert text == door_text(text)


@pytest.mark.parametrize("thing", [None, 7, b"text", ["text"], {"text": "text"}])
def test_door_makes_nothing_of_what_is_no_text(thing: object) -> None:
    """What is no text becomes the empty one, not an error."""
    assert "" == door_text(thing)


@pytest.mark.parametrize(
    ("expected", "typed"),
    [
        ("does it hurt?", "  does it hurt?\n"),
        ("restart", "/restart"),
        ("restart", " // restart"),
        ("and/or", "and/or"),
        ("a b", "a\x00b"),
        ("a\ufffdb", "a\ud800b"),
        ("🙂", "\ud83d\ude42"),
        ("", "///"),
    ],
)
def test_door_by_example(expected: str, typed: str) -> None:
    """Slashes in front go, words stay, half characters are marked as lost."""
    assert expected == door_text(typed)


def test_door_takes_no_book() -> None:
    """A text that is far too long is cut, not refused."""
    assert MOST_CHARACTERS == len(door_text("a" * (MOST_CHARACTERS + 1)))


@given(ANY_TEXT.map(door_text))
def test_reading_sees_no_invisible_mark(text: str) -> None:
    """No zero-width or direction mark can split a word for the program that reads it."""
    assert INVISIBLE.search(readable(text, 1000)) is None


@given(ANY_TEXT.map(door_text))
def test_reading_can_be_encoded(text: str) -> None:
    """What is read can be written as UTF-8 and holds no NUL."""
    plain = readable(text, 1000)

    assert b"\x00" not in plain.encode("utf-8")


@given(ANY_TEXT.map(door_text), st.integers(8, 60))
@example("a" * 9, 8)
def test_reading_is_short(text: str, longest: int) -> None:
    """What is read is never longer than it may be."""
    assert len(readable(text, longest)) <= longest


@pytest.mark.parametrize(
    ("expected", "typed"),
    [
        ("does it hurt?", "ｄｏｅｓ ｉｔ ｈｕｒｔ？"),
        ("does it hurt", "𝐝𝐨𝐞𝐬 𝓲𝓽 𝚑𝚞𝚛𝚝"),
        ("hurt", "h\u200bu\u00adr\u2060t"),
        ("hurt", "\ufeffhurt\u202e"),
        ("café", "cafe\u0301"),
        ("one\ntwo", "one \n\n  \n two"),
        ("أيؤلم؟ 痛吗 🙂", "أيؤلم؟ 痛吗 🙂"),
    ],
)
def test_reading_by_example(expected: str, typed: str) -> None:
    """Styled letters become plain, hidden marks go, other scripts stay as they are."""
    assert expected == readable(typed, 1000)


def test_reading_keeps_both_ends_of_a_long_text() -> None:
    """Of a text that is too long, beginning and end are read: people ask last."""
    read = readable(f"start {'x' * 500} end", 100)

    assert read.startswith("start")
    assert read.endswith("end")
    assert " … " in read


@given(st.text(NASTY | st.sampled_from("…½™ﷺㄅ")).map(door_text))
def test_reading_for_red_flags_loses_nothing(text: str) -> None:
    """Letters that become several ("…" is three dots) cost no other letter of the message."""
    assert " … " not in readable(text, MOST_READ)


def test_reading_keeps_the_marks_that_languages_use() -> None:
    """So many marks on one letter that no language has them are cut; the letters behind them stay."""
    assert readable("a" + "\u0316\u0301" * 2000 + " hurt", 1000).endswith(" hurt")
    assert len(readable("a" + "\u0316\u0301" * 2000, 1000)) <= 31
    assert readable("ṩ ก็็ hurt", 1000) == "ṩ ก็็ hurt"


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ('x{"note": "i want to die"}', '/x{"note": "i w\\u0061nt to d\\u0069e"}'),
        ("\uff49 want\nto die", "\\uff49 want\\nto die"),
        ("😭 help", "\\ud83d\\ude2d help"),
        ("� help", "\\ud83d help"),
        ("a  b", "a \\u0000b"),
        ("die", "\\u002f die"),
        ("50\\% off", "50\\% off"),
    ],
)
def test_what_json_escapes_is_read(expected: str, text: str) -> None:
    """A red flag can't hide behind a payload's escapes, and these bring in nothing that is kept out."""
    assert expected == door_text(text)
