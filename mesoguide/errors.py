"""The error that bad data or settings raise: it names the place and the mend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mesoguide.types import Place


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in a data file, where, and how to mend it."""

    place: Place
    wrong: str
    mend: str
    warning: bool = False

    def __str__(self) -> str:
        word = "warning" if self.warning else "error"
        return f"{self.place}: {word}: {self.wrong}. {self.mend}."


class DataError(Exception):
    """Data files that can't be used; ``problems`` lists all that was found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)
