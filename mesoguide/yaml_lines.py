"""YAML with line numbers, so that an error can name the line.

Every mapping comes back as a :class:`Lines`: a dict that knows on which line each key stands.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from mesoguide.errors import DataError, Problem
from mesoguide.types import Place


class Lines(dict[str, Any]):
    """A mapping read from ``file``; ``line`` is its own line, ``lines`` those of its keys."""

    file: str
    line: int
    lines: dict[str, int]

    def place(self, key: str | None = None) -> Place:
        """Return where ``key`` (or the mapping itself) stands."""
        return Place(self.file, self.lines.get(key, self.line) if key else self.line)


HIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""Letters that nothing can show; only an escape in double quotes ("\\b") can bring them."""


class _Loader(yaml.SafeLoader):
    """SafeLoader that records lines, and refuses a key that stands twice and what it can't read."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        place = Place(self.name, node.start_mark.line + 1)
        try:
            found = super().construct_object(node, deep)  # type: ignore[no-untyped-call]
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as cause:
            # PyYAML's own, on what looks like a date or a number and is none.
            problem = Problem(place, "this value can't be read", "Write a text in single quotes")
            raise DataError([problem]) from cause
        if isinstance(found, str) and HIDDEN.search(found):
            mend = "Take it out, or write the text in single quotes"
            raise DataError([Problem(place, "a letter here can't be shown", mend)])
        return found


def _mapping(loader: _Loader, node: yaml.MappingNode) -> Lines:
    result = Lines()
    result.file, result.line, result.lines = loader.name, node.start_mark.line + 1, {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            place = Place(loader.name, key_node.start_mark.line + 1)
            raise DataError([Problem(place, "a key is no text", "Put braces into quotes")])
        key = str(loader.construct_object(key_node, deep=True))  # type: ignore[no-untyped-call]
        line = key_node.start_mark.line + 1
        if key in result:
            wrong = f"'{key}' stands twice, first on line {result.lines[key]}"
            raise DataError([Problem(Place(loader.name, line), wrong, "Keep one of the two")])
        result[key] = loader.construct_object(value_node, deep=True)  # type: ignore[no-untyped-call]
        result.lines[key] = line
    return result


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def load(path: Path, shown_as: str | None = None) -> Lines:
    """Read the YAML mapping in ``path``.

    Raises
    ------
    DataError
        The file is missing, is no YAML, or is no mapping.
    """
    name = shown_as or str(path)
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError) as cause:
        mend = "Put the file there, in UTF-8"
        raise DataError([Problem(Place(name, 1), f"it can't be read ({cause})", mend)]) from cause
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as cause:
        line = text[: cause.position].count("\n") + 1
        wrong = (
            f"YAML forbids the character {chr(cause.character)!r}"
            if isinstance(cause.character, int)
            else str(cause)
        )
        raise DataError([Problem(Place(name, line), wrong, "Take it out")]) from cause
    loader.name = name
    try:
        content = loader.get_single_data()
    except yaml.MarkedYAMLError as cause:
        line = cause.problem_mark.line + 1 if cause.problem_mark else 1
        raise DataError(
            [Problem(Place(name, line), f"this is not YAML ({cause.problem})", "Mend this line")]
        ) from cause
    except (ValueError, RecursionError) as cause:  # an escape beyond Unicode; brackets in brackets
        line = loader.line + 1
        raise DataError(
            [Problem(Place(name, line), "this can't be read as YAML", "Mend this line")]
        ) from cause
    finally:
        loader.dispose()  # type: ignore[no-untyped-call]
    if not isinstance(content, Lines):
        raise DataError([Problem(Place(name, 1), "it holds no mapping", "Start with 'key: value'")])
    return content
