"""The safety stop: which fixed text a message gets instead of an answer. Not triage.

A message is read as a whole and clause by clause, on its raw text. Each reading has a
probability for every *tier*; the thresholds are learnt from declared costs (safety/costs.yml).
Red flags win over everything, and a higher tier wins where two are about as likely.

Plain-word patterns (safety/patterns.yml) need no trained model. Beside the classifier they
confirm what it half believes; where no model is at hand they decide alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from mesoguide.errors import DataError, Problem
from mesoguide.settings import ROOT
from mesoguide.types import Place
from mesoguide.yaml_lines import load

SAFETY = ROOT / "safety"
RED_FLAGS = ("self_harm", "emergency", "urgent")
"""Tiers of a red flag, the one that wins first."""
DEFERRALS = ("diy", "pregnancy", "minor", "medicines", "personal")
"""Personal questions, in the order in which they win."""
MENTION = "mention"
NONE = "none"
TIERS = (*RED_FLAGS, *DEFERRALS, MENTION, NONE)

Scores = Mapping[str, float]
"""Tier → probability, 0 to 1."""

BREAK = re.compile(
    r"[.!?;:\n,…()|/]+|\s[-–—]\s"
    r"|\b(?:but|and|also|though|although|because|cuz|coz|since|after|so|then|plus|or|if"
    r"|thanks|thank you|thx|ta|btw|pls|please|hi|hello|hey)\b",
    re.IGNORECASE,
)
WINDOW, STEP = 12, 6
"""Words of a window over a clause without marks, and how far it moves."""
MOST_CLAUSES = 400
DENIED = re.compile(
    r"\b(?:no|not|never|without|nor|none|isn'?t|wasn'?t|aren'?t|don'?t|doesn'?t|didn'?t|haven'?t|hasn'?t|nothing)\b"
    # up to two words further on, but not past the start of a new statement ("no i cant …")
    r"(?:\s+(?!(?:i|im|i'm|my|he|she|it|they|we|you|the|cant|can't|feel|well|sure|idea)\b)\w+){0,2}\s*$",
    re.IGNORECASE,
)
CLAUSE = 0.6
"""Probability from which one clause of several stops a message, at the least."""
HALF_BELIEVED = 0.05
"""Probability (of any red flag, of any deferral) from which a pattern confirms it."""
NEAR_THE_TOP = 0.25
"""Share of the likelier red flag's probability from which the higher tier is taken."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Probabilities from which a message is stopped; a clause alone needs :data:`CLAUSE`."""

    red_flag: float
    deferral: float
    mention: float = 0.5


@dataclass(frozen=True, slots=True)
class Pattern:
    """A plain-word red flag, or a plain-word personal question."""

    tier: str
    expression: re.Pattern[str]


def clauses(text: str) -> list[str]:
    """Return the pieces of ``text`` that may each hold a red flag; none if it is one piece."""
    pieces = [piece.strip() for piece in BREAK.split(text)]
    found: list[str] = []
    for piece in pieces:
        words = piece.split()
        if len(words) > WINDOW + STEP:
            found += [" ".join(words[i : i + WINDOW]) for i in range(0, len(words) - STEP, STEP)]
        elif len(piece) > 2:
            found.append(piece)
    return [] if found == [text.strip()] else list(dict.fromkeys(found))[:MOST_CLAUSES]


def decide(
    whole: Scores, parts: Sequence[Scores], thresholds: Thresholds, patterns: Collection[str] = ()
) -> str | None:
    """Return the tier of the fixed text that a message gets, or None for none.

    Parameters
    ----------
    whole, parts
        Scores of the whole message and of each clause.
    patterns
        Tiers of the plain-word patterns that it holds.
    """
    red = _strongest(RED_FLAGS, whole, parts, thresholds.red_flag)
    sum_of_red = max(_sum(RED_FLAGS, scores) for scores in (whole, *parts))
    for tier in RED_FLAGS:
        if red is None and tier in patterns and sum_of_red >= HALF_BELIEVED:
            return tier
    if red is not None:
        top = max(red[tier] for tier in RED_FLAGS)
        if red["self_harm"] == top:
            return "self_harm"
        return "emergency" if red["emergency"] >= NEAR_THE_TOP * red["urgent"] else "urgent"
    deferral = _strongest(DEFERRALS, whole, parts, thresholds.deferral)
    sum_of_deferrals = max(_sum(DEFERRALS, scores) for scores in (whole, *parts))
    for tier in DEFERRALS:
        if deferral is None and tier in patterns and sum_of_deferrals >= HALF_BELIEVED:
            return tier
    if deferral is not None:
        return max(DEFERRALS, key=lambda tier: deferral[tier])
    return MENTION if _strongest((MENTION,), whole, parts, thresholds.mention) else None


def _strongest(
    tiers: Sequence[str], whole: Scores, parts: Sequence[Scores], threshold: float
) -> Scores | None:
    """The reading that passes its threshold for ``tiers``: the whole first, then the best part."""
    best = max(parts, key=lambda scores: _sum(tiers, scores), default=None)
    if best is not None and _sum(tiers, best) >= max(threshold, CLAUSE):
        if _sum(tiers, whole) >= threshold:
            return {tier: max(whole[tier], best[tier]) for tier in tiers}
        return best
    return whole if _sum(tiers, whole) >= threshold else None


def _sum(tiers: Iterable[str], scores: Scores) -> float:
    return sum(scores.get(tier, 0.0) for tier in tiers)


def learn_threshold(
    scores: Sequence[float],
    stopped: Sequence[bool],
    *,
    missed: float,
    needless: float,
    share: float,
) -> float:
    """Return the threshold with the least cost expected a message, from held-out messages.

    Parameters
    ----------
    scores
        Summed probability of the tiers in question, one a message.
    stopped
        Whether the message ought to be stopped.
    missed, needless
        Costs of the two mistakes.
    share
        Of real messages, how many ought to be stopped, 0 to 1; those at hand hold far more.
    """
    of_each = {kind: max(1, sum(ought is kind for ought in stopped)) for kind in (True, False)}

    def cost(threshold: float) -> float:
        pairs = list(zip(scores, stopped, strict=True))
        misses = sum(ought and score < threshold for score, ought in pairs) / of_each[True]
        cards = sum(not ought and score >= threshold for score, ought in pairs) / of_each[False]
        return share * missed * misses + (1 - share) * needless * cards

    return min((step / 100 for step in range(5, 96)), key=cost)


@lru_cache(maxsize=1)
def patterns(folder: Path = SAFETY) -> tuple[Pattern, ...]:
    """Load the plain-word patterns.

    Raises
    ------
    DataError
        An expression can't be compiled, or a tier is unknown.
    """
    written = load(folder / "patterns.yml", f"{folder.name}/patterns.yml")
    found: list[Pattern] = []
    problems: list[Problem] = []
    for tier, expressions in written.items():
        place = written.place(tier)
        if tier not in RED_FLAGS + DEFERRALS:
            mend = f"Known are: {', '.join(RED_FLAGS + DEFERRALS)}"
            problems.append(Problem(place, f"'{tier}' is no tier", mend))
        for expression in expressions or ():
            try:
                found.append(Pattern(tier, re.compile(expression, re.IGNORECASE)))
            except (re.error, TypeError) as cause:
                wrong = f"'{expression}' is no regular expression ({cause})"
                problems.append(Problem(place, wrong, "Mend it, and write it in single quotes"))
    if problems:
        raise DataError(problems)
    return tuple(found)


def matched(text: str, known: Sequence[Pattern] | None = None) -> tuple[str, ...]:
    """Return the tiers of the patterns in ``text`` that no denial before them clears."""
    known = patterns() if known is None else known
    plain = " ".join(text.replace("’", "'").split())
    found = {
        pattern.tier
        for pattern in known
        for match in pattern.expression.finditer(plain)
        if not DENIED.search(re.split(r"[.!?;,]|\bbut\b", plain[: match.start()])[-1])
    }
    return tuple(tier for tier in RED_FLAGS + DEFERRALS if tier in found)


def costs(folder: Path = SAFETY) -> dict[str, float]:
    """Load what each mistake costs and how common the messages are.

    Raises
    ------
    DataError
        A cost is missing or is no number above 0.
    """
    written = load(folder / "costs.yml", f"{folder.name}/costs.yml")
    names = ("missed_red_flag", "red_flags_in_100", "answered_personal", "personal_in_100", "needless_card")
    for name in names:
        if not isinstance(written.get(name), (int, float)) or written[name] <= 0:
            place = Place(f"{folder.name}/costs.yml", written.lines.get(name, 1))
            raise DataError([Problem(place, f"'{name}' is {written.get(name)!r}", "Write a number above 0")])
    return {name: float(written[name]) for name in names}


def examples(folder: Path = SAFETY) -> list[tuple[str, str]]:
    """Load the messages that the stop learns from: pairs of text and tier.

    ``examples/<tier>.txt`` holds a message a line; lines that start with ``#`` are comments.
    """
    return [
        (line.strip(), tier)
        for tier in TIERS
        for line in (folder / "examples" / f"{tier}.txt").read_text("utf-8").splitlines()
        if line.strip() and not line.startswith("#")
    ]
