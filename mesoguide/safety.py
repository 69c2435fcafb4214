"""The safety stop: which fixed text a message gets instead of an answer. Not triage.

A message is read on its raw text: as a whole, and a long one also in windows, so that nothing
drowns. Each reading has a probability for every *tier*, from the encoder's tuned layers
(``en_mesoguide.tuned``); the thresholds are learnt from declared costs (safety/costs.yml) on
messages that nothing was tuned on (safety/calibration.jsonl). Red flags win over everything,
and a higher tier wins where two are about as likely.

Plain-word patterns (safety/patterns.yml) need no trained model. Beside the tuned layers they
confirm what these half believe; where no model is at hand they decide alone. A few (safety/certain.yml) always do.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from mesoguide import json_lines
from mesoguide.cleaning import readable
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

LONG = 40
"""Words beyond which a message is read in passages too."""
SENTENCE_ENDS = re.compile(r"(?<=[.!?;…])\s+|\n+")
JOINTS = re.compile(
    # "my dad had a stroke, and how long …", "… - how long …"
    r"\s*(?:[,;:–—]|\s-+\s)\s*(?:(?:and|but|so|also|btw|anyway|plus)\b)?\s*|\s+(?:and|but|so|also|btw|anyway|plus)\s+"
    # and where nothing joins them: "my dad had a stroke how long …"
    r"|\s+(?=(?:how (?:many|much|long|soon|often)|what (?:is|does|are)|when (?:will|do|can)|does it|is it|is there"
    r"|who (?:does|is)|can i)\b)",
    re.IGNORECASE,
)
"""What can stand between a red flag and a question of the same sentence."""
ASKS = re.compile(
    r"\s*(?:how|what(?:'?s)?|when|where|who(?:'?s)?|which|why|is|are|do|does|can|could|will|would|should|any)\b",
    re.IGNORECASE,
)
"""How a question begins."""
SUPPOSES = re.compile(
    r"\s*(?:(?:and|but|so|ok|okay|hi|hello|well)\b[\s,]*)?(?:(?:what )?if|suppos(?:e|ing)|let'?s say|imagine|assuming"
    r"|hypothetically|say (?:an?|one|someone|somebody|i|you))\b",
    re.IGNORECASE,
)
"""How a sentence begins that only supposes something: torn from its question that would look as if it had happened."""
PASSAGE, LONGEST_PASSAGE = 25, 45
"""Words of a passage: whole sentences until there are 25, so that it reads like a message. Torn from what
stands around it, an ordinary sentence ("I live abroad and can't go with her") can look like anything."""
SURE_PASSAGE, DOUBTED_WHOLE = 0.4, 0.1
"""Probability of a red flag from which a passage counts by itself; below it, one that the whole must have too."""
WITHIN_WHOLE = 4
"""Passages, from the first, that the reading of the whole surely takes in: it ends after about a hundred words."""
WINDOW, STEP = 20, 10
"""Words of a window over what has no end of a sentence within a passage's length, and how far it moves."""
MOST_PASSAGES = 400
MOST_ALARMING = 8
"""Sentences with plain words for a red flag that are read apart."""
LONGEST_WHOLE = 1000
"""Characters of the whole that are read at once; the passages hold the rest."""
LONGEST_PLAIN = 80
"""Characters above which a message is no mere courtesy."""
LONGEST_WORD = 40
"""Letters beyond which a word is none: an address, or a key held down."""
DENIED = re.compile(
    r"\b(?:no|not|never|without|nor|none|isn'?t|wasn'?t|aren'?t|don'?t|doesn'?t|didn'?t|haven'?t|hasn'?t|nothing)\b"
    # up to two words further on, but not past the start of a new statement ("no i cant …")
    r"(?:\s+(?!(?:i|im|i'm|my|he|she|it|they|we|you|the|cant|can't|feel|well|sure|idea)\b)\w+){0,2}\s*$",
    re.IGNORECASE,
)
DENIAL_REACH = 120
"""Letters before a pattern in which a denial of it can stand: a word and two more at most."""
CLAUSE_ENDS = re.compile(r"[.!?;,]|\bbut\b")
HALF_BELIEVED = 0.08
"""Probability (of any red flag, of any deferral) from which a pattern confirms it."""
AS_LIKELY = 0.25
"""Share of the likeliest tier's probability from which a pattern's tier takes its place, and of the deferrals'
from which self-harm does."""
BARELY_LIKELY = 0.005
"""The same where an emergency's plain words stand against self-harm that no plain word tells of."""
NEAR_THE_TOP = 0.35
"""Share of the likelier red flag's probability from which the higher tier is taken."""

HARDLY_MORE = 1.02
"""How many times the least cost a threshold may cost that is more careful."""
NEVER = 1.1
"""A probability that nothing reaches."""
MOST_COST = 1e6
"""Of a mistake, in needless cards; more is a slip of the keyboard."""
DOUBTED = 0.3
"""Probability of all red flags together below which the urgent card is sent and not the emergency card."""
OUTWEIGHED = 4
"""How many times as likely as a red flag a personal question must be to get its own text. That
text, too, says what to do in an emergency."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Probabilities from which a message is stopped.

    Of all red flags together, of all deferrals together, of anything at all, of a mention, of
    self-harm in the message as a whole.
    """

    red_flag: float
    deferral: float
    anything: float
    mention: float = 0.4
    self_harm: float = NEVER


@dataclass(frozen=True, slots=True)
class Labelled:
    """A message with the tier that it ought to get, and others that are as right."""

    text: str
    tier: str
    accepted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Pattern:
    """A plain-word red flag, or a plain-word personal question."""

    tier: str
    expression: re.Pattern[str]


def readings(text: str) -> list[str]:
    """Return the texts that may each hold a red flag: the whole, and what is read apart from the rest.

    That are the passages of a long text, and of any the sentences, and what stands before or behind a question
    in one, with plain words for a red flag: what is ordinary beside them ("… and how much does it cost?")
    makes the whole, or a passage, look harmless.
    """
    words = [word for word in text.split() if len(word) <= LONGEST_WORD]
    text = text if len(words) == len(text.split()) else " ".join(words)
    passages = _passages(text)[:MOST_PASSAGES] if len(words) > LONG else []
    return [readable(text, LONGEST_WHOLE), *passages, *_alarming(text)]


def _alarming(text: str) -> list[str]:
    """The parts of ``text`` with plain words for a red flag, where it has several parts."""
    alarming = [pattern for pattern in patterns() if pattern.tier in RED_FLAGS]
    if not matched(text, alarming):
        return []
    parts = parts_of(text)
    short = (part for part in parts if len(part.split()) <= LONGEST_PASSAGE)  # windows read a longer one
    found = [part for part in short if matched(part, alarming)]
    return found[:MOST_ALARMING] if len(parts) > 1 else []


def parts_of(text: str) -> list[str]:
    """Return the sentences of ``text``, each cut around its questions."""
    return [part for sentence in SENTENCE_ENDS.split(text) for part in _around_questions(sentence)]


def _around_questions(sentence: str) -> list[str]:
    """The questions of a sentence and what stands around them; not cut within either, nor where it only supposes."""
    if SUPPOSES.match(sentence):
        return [sentence.strip()]
    ends = [0, *(place for joint in JOINTS.finditer(sentence) for place in joint.span()), len(sentence)]
    parts: list[tuple[int, int]] = []
    for start, end in zip(ends[::2], ends[1::2], strict=True):
        if not sentence[start:end].strip():
            continue
        if parts and bool(ASKS.match(sentence, start)) is bool(ASKS.match(sentence, parts[-1][0])):
            parts[-1] = (parts[-1][0], end)
        else:
            parts.append((start, end))
    return [sentence[start:end].strip() for start, end in parts]


def _passages(text: str) -> list[str]:
    """The sentences of ``text``, as many together as make a passage, and windows where none ends."""
    found: list[str] = []
    words: list[str] = []
    for sentence in SENTENCE_ENDS.split(text):
        words += sentence.split()
        if len(words) > LONGEST_PASSAGE:
            found += [" ".join(words[i : i + WINDOW]) for i in range(0, len(words) - STEP, STEP)]
        elif len(words) >= PASSAGE:
            found.append(" ".join(words))
        else:
            continue
        words = []
    return [*found, *([" ".join(words)] if words else ())]


def decide(
    scores: Sequence[Scores],
    thresholds: Thresholds,
    patterns: Collection[str] = (),
    certain: Sequence[str] = (),
) -> str | None:
    """Return the tier of the fixed text that a message gets, or None for none.

    Parameters
    ----------
    scores
        Of each of its :func:`readings`.
    patterns
        Tiers of the plain-word patterns that it holds.
    certain
        Tiers of those that decide alone, the one that wins first.
    """
    found = _decided(scores, thresholds, patterns)
    if found in RED_FLAGS:
        told = found if found in certain else next(iter(certain), found)
        return told if _highest(told, scores) >= AS_LIKELY * _highest(found, scores) else found
    if certain:
        return certain[0]
    doubt = scores[0]["self_harm"]
    if doubt < thresholds.self_harm:
        return found
    likelier = found in DEFERRALS and doubt < AS_LIKELY * _sum(DEFERRALS, scores[0])
    return found if likelier else "self_harm"


def _decided(scores: Sequence[Scores], thresholds: Thresholds, patterns: Collection[str]) -> str | None:
    red, deferred = _likeliest(RED_FLAGS, _heard(scores)), _likeliest(DEFERRALS, scores)
    personal = _sum(DEFERRALS, deferred) >= max(thresholds.deferral, OUTWEIGHED * _sum(RED_FLAGS, red))
    for tiers, best, threshold in (
        (RED_FLAGS, red, NEVER if personal else thresholds.red_flag),
        (DEFERRALS, deferred, thresholds.deferral),
    ):
        if _sum(tiers, best) >= threshold:
            found = _tier(tiers, best)
            told = next((tier for tier in tiers if tier in patterns), found)
            # Plain words decide between two tiers that the model both thinks of.
            share = BARELY_LIKELY if (found, told) == ("self_harm", "emergency") else AS_LIKELY
            likely = _highest(told, scores) >= share * best[found]
            return told if found not in patterns and likely else found
        if _sum(tiers, best) >= HALF_BELIEVED and set(tiers) & set(patterns):
            return next(tier for tier in tiers if tier in patterns)
    whole = scores[0]
    if whole[MENTION] >= thresholds.mention:
        return MENTION
    if 1 - whole[NONE] < thresholds.anything:
        return None
    groups = (RED_FLAGS, DEFERRALS, (MENTION,))
    return _tier(max(groups, key=lambda tiers: _sum(tiers, whole)), whole)


def _tier(tiers: Sequence[str], reading: Scores) -> str:
    """The tier of a group that ``reading`` gets.

    Of emergency and urgent it is the higher one if in doubt, but where any red flag at all is
    doubted, the urgent card, which says what to do if it gets worse.
    """
    top = max(tiers, key=lambda tier: reading[tier])
    if top not in ("emergency", "urgent"):
        return top
    surely = _sum(RED_FLAGS, reading) >= DOUBTED
    return "emergency" if surely and reading["emergency"] >= NEAR_THE_TOP * reading["urgent"] else "urgent"


def _heard(scores: Sequence[Scores]) -> list[Scores]:
    """The readings that can be a red flag: the whole, and the passages that are to be believed."""
    whole, *passages = scores
    if _sum(RED_FLAGS, whole) >= DOUBTED_WHOLE:
        return list(scores)
    within, beyond = passages[:WITHIN_WHOLE], passages[WITHIN_WHOLE:]
    return [whole, *(each for each in within if _sum(RED_FLAGS, each) >= SURE_PASSAGE), *beyond]


def _likeliest(tiers: Sequence[str], scores: Sequence[Scores]) -> Scores:
    return max(scores, key=lambda reading: _sum(tiers, reading))


def _highest(tier: str, scores: Sequence[Scores]) -> float:
    return max(reading[tier] for reading in scores)


def _sum(tiers: Iterable[str], reading: Scores) -> float:
    return sum(reading[tier] for tier in tiers)


def learn(
    rows: Sequence[Labelled], scores: Sequence[Sequence[Scores]], cost: Mapping[str, float]
) -> Thresholds:
    """Return the thresholds with the least cost expected, from messages that nothing was tuned on.

    Parameters
    ----------
    rows, scores
        The messages, and the scores of each one's readings.
    cost
        From :func:`costs`.
    """

    def learnt(tiers: Sequence[str], missed: str, share: str, *, whole: bool = False) -> float:
        chosen = [
            (_sum(tiers, readings[0] if whole else _likeliest(tiers, readings)), row.tier in tiers)
            for row, readings in zip(rows, scores, strict=True)
            if row.tier in tiers or (row.tier == NONE and not row.accepted)
        ]
        return learn_threshold(
            [score for score, _ in chosen],
            [ought for _, ought in chosen],
            missed=cost[missed],
            needless=cost["needless_card"],
            share=cost[share] / 100,
        )

    return Thresholds(
        red_flag=learnt(RED_FLAGS, "missed_red_flag", "red_flags_in_100"),
        deferral=learnt(DEFERRALS, "answered_personal", "personal_in_100"),
        anything=learnt(tuple(t for t in TIERS if t != NONE), "nothing_said", "stopped_in_100"),
        self_harm=learnt(("self_harm",), "missed_self_harm", "self_harm_in_100", whole=True),
    )


def learn_threshold(
    scores: Sequence[float],
    stopped: Sequence[bool],
    *,
    missed: float,
    needless: float,
    share: float,
) -> float:
    """Return the threshold that held-out messages speak for: the most careful of those that cost hardly more than the least.

    Near its least the expected cost is flat, so that a handful of messages would move the threshold far.

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
    pairs = list(zip(scores, stopped, strict=True))
    ought_to, ought_not = (sorted(score for score, ought in pairs if ought is kind) for kind in (True, False))

    def cost(threshold: float) -> float:
        misses = bisect_left(ought_to, threshold) / max(1, len(ought_to))
        cards = 1 - bisect_left(ought_not, threshold) / len(ought_not) if ought_not else 0.0
        return share * missed * misses + (1 - share) * needless * cards

    costs_of = {step / 100: cost(step / 100) for step in range(5, 96)}
    enough = HARDLY_MORE * min(costs_of.values())
    return next(each for each in costs_of if costs_of[each] <= enough)


@lru_cache(maxsize=1)
def patterns(folder: Path = SAFETY) -> tuple[Pattern, ...]:
    """Load the plain-word patterns, which confirm what is half believed.

    Raises
    ------
    DataError
        An expression can't be compiled, or a tier is unknown.
    """
    return _read(folder, "patterns.yml", RED_FLAGS + DEFERRALS)


@lru_cache(maxsize=1)
def certain(folder: Path = SAFETY) -> tuple[Pattern, ...]:
    """Load the patterns of red flags that decide alone (safety/certain.yml).

    Raises
    ------
    DataError
        An expression can't be compiled, or a tier is that of no red flag.
    """
    return _read(folder, "certain.yml", RED_FLAGS)


def _read(folder: Path, name: str, tiers: Sequence[str]) -> tuple[Pattern, ...]:
    written = load(folder / name, f"{folder.name}/{name}")
    found: list[Pattern] = []
    problems: list[Problem] = []
    for tier, expressions in written.items():
        place = written.place(tier)
        if tier not in tiers:
            mend = f"Known are: {', '.join(tiers)}"
            problems.append(Problem(place, f"'{tier}' is no tier", mend))
        if not isinstance(expressions, list):
            problems.append(Problem(place, f"'{tier}' is no list", "Write each pattern after '- '"))
            continue
        for expression in expressions:
            try:
                found.append(Pattern(tier, re.compile(expression, re.IGNORECASE)))
            except (re.error, TypeError, OverflowError, RecursionError) as cause:
                wrong = f"'{expression}' is no regular expression ({cause})"
                problems.append(Problem(place, wrong, "Mend it, and write it in single quotes"))
    if problems:
        raise DataError(problems)
    return tuple(found)


@lru_cache(maxsize=1)
def plain_messages(folder: Path = SAFETY) -> re.Pattern[str]:
    """The messages of safety/plain.yml as one expression.

    Raises
    ------
    DataError
        A list is missing, or an expression can't be compiled.
    """
    written = load(folder / "plain.yml", f"{folder.name}/plain.yml")
    lists: list[str] = []
    for key in ("courtesies", "searches"):
        expressions = written.get(key)
        if not isinstance(expressions, list) or not all(isinstance(each, str) for each in expressions):
            place = written.place(key) if key in written else Place(f"{folder.name}/plain.yml", 1)
            raise DataError([Problem(place, f"'{key}' is no list of texts", "Write each after '- '")])
        for expression in expressions:
            try:
                re.compile(expression)
            except re.error as cause:
                wrong = f"'{expression}' is no regular expression ({cause})"
                raise DataError([Problem(written.place(key), wrong, "Mend it")]) from cause
        lists.append("|".join(f"(?:{expression})" for expression in expressions))
    courtesies, searches = lists
    return re.compile(rf"(?:(?:{courtesies})\b\W*)+|(?:{searches})\W*(?:please|pls)?\W*", re.IGNORECASE)


def plain(text: str) -> bool:
    """Whether the whole ``text`` is a courtesy or a search word, of which nothing needs a fixed text."""
    words = " ".join(text.replace("’", "'").split())
    return len(words) <= LONGEST_PLAIN and plain_messages().fullmatch(words) is not None


def matched(text: str, known: Sequence[Pattern] | None = None) -> tuple[str, ...]:
    """Return the tiers of the patterns in ``text`` that no denial before them clears."""
    known = patterns() if known is None else known
    plain = " ".join(text.replace("’", "'").split())
    found = {
        pattern.tier
        for pattern in known
        for match in pattern.expression.finditer(plain)
        if not _denied(plain[max(0, match.start() - DENIAL_REACH) : match.start()])
    }
    return tuple(tier for tier in RED_FLAGS + DEFERRALS if tier in found)


def without_denied(text: str) -> str:
    """Return ``text`` without the clauses in which plain words for a red flag are denied, and none is not ("no pus")."""
    pieces = [*re.split(f"({CLAUSE_ENDS.pattern})", text), ""]
    return "".join(
        clause + end for clause, end in zip(pieces[::2], pieces[1::2], strict=True) if not _denies(clause)
    )


def _denies(clause: str) -> bool:
    plain = " ".join(clause.replace("’", "'").split())
    named = any(known.tier in RED_FLAGS and known.expression.search(plain) for known in patterns())
    return named and not set(RED_FLAGS) & set(matched(clause))


def _denied(before: str) -> bool:
    """Whether the words ``before`` a pattern, as far as they belong to its clause, deny it."""
    return bool(DENIED.search(CLAUSE_ENDS.split(before)[-1]))


def costs(folder: Path = SAFETY) -> dict[str, float]:
    """Load what each mistake costs and how common the messages are.

    Raises
    ------
    DataError
        A cost is missing, or is no number above 0 and below a million.
    """
    written = load(folder / "costs.yml", f"{folder.name}/costs.yml")
    names = (
        "missed_red_flag", "red_flags_in_100", "missed_self_harm", "self_harm_in_100", "answered_personal",
        "personal_in_100",
        "nothing_said", "stopped_in_100", "needless_card",
    )  # fmt: skip
    for name in names:
        value = written.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < MOST_COST:
            place = Place(f"{folder.name}/costs.yml", written.lines.get(name, 1))
            raise DataError([Problem(place, f"'{name}' is no cost", "Write a number above 0")])
    return {name: float(written[name]) for name in names}


def examples(folder: Path = SAFETY) -> list[tuple[str, str]]:
    """Load the messages that the layers are tuned on: pairs of text and tier.

    ``examples/<tier>.txt`` holds a message a line; lines that start with ``#`` are comments.

    Raises
    ------
    DataError
        A file can't be read.
    """
    return [
        (line.strip(), tier)
        for tier in TIERS
        for line in json_lines.text(
            folder / "examples" / f"{tier}.txt", f"{folder.name}/examples/{tier}.txt"
        ).split("\n")
        if line.strip() and not line.startswith("#")
    ]


def calibration(folder: Path = SAFETY) -> list[Labelled]:
    """Load the messages that the thresholds are learnt on; nothing may be tuned on them.

    Raises
    ------
    DataError
        A line is no JSON object with a text and a known tier.
    """
    found: list[Labelled] = []
    name = f"{folder.name}/calibration.jsonl"
    for place, row in json_lines.rows(folder / "calibration.jsonl", name):
        text, tier, accepted = row.get("text"), row.get("tier"), row.get("accept", [])
        if not isinstance(text, str) or not isinstance(tier, str) or not isinstance(accepted, list):
            mend = 'Write {"text": "...", "tier": "..."}'
            raise DataError([Problem(place, "this is no labelled message", mend)])
        unknown = [each for each in (tier, *accepted) if each not in TIERS]
        if unknown:
            mend = f"Known are: {', '.join(TIERS)}"
            raise DataError([Problem(place, f"{unknown[0]!r:.40} is no tier", mend)])
        found.append(Labelled(text, tier, frozenset(accepted)))
    return found


def examples_digest(folder: Path = SAFETY) -> str:
    """Return a hash of the messages that the layers are tuned on."""
    pairs = sorted(f"{tier}\t{text}" for text, tier in examples(folder))
    return hashlib.sha256("\n".join(pairs).encode()).hexdigest()
