from __future__ import annotations

from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from en_mesoguide.slips import slip

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("likelier", "rarer"),
    [
        (("hair", "hir"), ("hair", "hari")),
        (("hair", "hari"), ("hair", "haor")),
        (("hair", "haiir"), ("hair", "haizr")),
        (("hair", "haor"), ("hair", "hazr")),
        (("hair", "hajr"), ("hair", "hagr")),
        (("hair", "haie"), ("hair", "jair")),
        (("hair", "haoir"), ("hair", "hapir")),
    ],
)
def test_common_slips_are_likelier(likelier: tuple[str, str], rarer: tuple[str, str]) -> None:
    """A letter left out, then a swap, a key beside the right one, one elsewhere; the first letter is seldom wrong."""
    assert slip(*likelier) > slip(*rarer)


@given(st.text("abcdefghijklmnopqrstuvwxyz'", min_size=2, max_size=12), st.data())
def test_a_slip_has_a_share(word: str, data: st.DataObject) -> None:
    """Whatever letter is left out, added or changed, its share is above 0 and at most 1."""
    at = data.draw(st.integers(0, len(word) - 1))
    letter = data.draw(st.sampled_from("aqz'"))

    for written in (
        word[:at] + word[at + 1 :],
        word[:at] + letter + word[at:],
        word[:at] + letter + word[at + 1 :],
    ):
        if written != word:
            assert 0 < exp(slip(word, written)) <= 1
