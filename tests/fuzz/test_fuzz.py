"""Every parser of outside data, with made-up bytes: see targets.py."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.targets import SEEDS, TARGETS

PIECES = (
    b"", b"\x00", b"\xff", b"\xed\xa0\x80", b'"', b"{", b"[", b"]", b"}", b":", b",", b"\\ud800", b"\n", b" ", b"- ",
    b"&a ", b"*a", b"!!int ", b"null", b"true", b"1e999", b"-1", b"NaN", b"9" * 30, b"%", b"&", b"=", b"<", b"\xe2\x80\xa8",
)  # fmt: skip
LEAVES = (
    "null", "true", "-1", "0", "1.5", '""', '"x"', '"\\ud800"', '"\\u0000"', "[]", "{}", "[[]]", '{"a": []}', "9" * 30,
)  # fmt: skip
by_target = pytest.mark.parametrize("name", TARGETS)


@by_target
def test_what_usually_comes_in_is_taken(name: str) -> None:
    """The seeds: samples of the real thing, and what once broke the promise."""
    for seed in SEEDS[name]:
        TARGETS[name](seed)


@by_target
@given(data=st.data())
def test_no_bytes_break_a_parser(name: str, data: st.DataObject) -> None:
    """Any bytes, and samples with pieces cut out and put in: the parser's result or its documented refusal."""
    sample = data.draw(st.sampled_from(SEEDS[name]) | st.binary(max_size=100))
    for _ in range(data.draw(st.integers(0, 3))):
        start = data.draw(st.integers(0, len(sample)))
        end = data.draw(st.integers(start, min(len(sample), start + 20)))
        sample = sample[:start] + data.draw(st.sampled_from(PIECES) | st.binary(max_size=4)) + sample[end:]
    TARGETS[name](sample)


def objects(name: str) -> list[bytes]:
    """The seeds that are JSON objects without a number that no float can hold."""
    return [
        seed for seed in SEEDS[name] if re.fullmatch(rb"\{.*\}", seed) and not re.search(rb"0{99}|e999", seed)
    ]


@pytest.mark.parametrize("name", [name for name in TARGETS if objects(name)])
@given(data=st.data())
def test_no_shape_breaks_a_parser(name: str, data: st.DataObject) -> None:
    """Samples in which something has another type than it should have."""
    value = json.loads(data.draw(st.sampled_from(objects(name))))
    for _ in range(data.draw(st.integers(1, 3))):
        inside = value
        while isinstance(inside, (dict, list)) and inside:
            key = data.draw(st.sampled_from([*inside] if isinstance(inside, dict) else range(len(inside))))
            if not isinstance(inside[key], (dict, list)) or not inside[key] or data.draw(st.booleans()):
                inside[key] = json.loads(data.draw(st.sampled_from(LEAVES)))
                break
            inside = inside[key]
    TARGETS[name](json.dumps(value).encode())
