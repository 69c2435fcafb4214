"""What a message asks: from the classifier's ranking of each part to the questions in it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from mesoguide.follow_up import ANY_COMPARISON, CLARIFY, COMPARISON, OF_OTHERS_TOO, SILENT
from mesoguide.reply import SMALL_TALK, UNCLEAR
from mesoguide.types import NEAR, Question, Topic

LIKELY = 0.2
"""Probability from which a topic is worth asking about when the message was rejected."""
CLOSE = 0.75
"""Share of the best topic's probability from which the second best is as likely: ask."""
VERY_NEAR = 0.62
"""Cosine from which a statement answers a question whose intent says otherwise."""
ASKED_NEAR = 0.5
"""Cosine of a question that is asked for a statement, from which it decides between two topics."""
HARDLY_LIKELIER, HARDLY_NEAR = 0.15, 0.55
"""A topic stands, though the documents' silence has more than this share of its probability, where one of
its statements is as near as this."""
OTHERS = frozenset({"minoxidil", "finasteride", "prp", "transplant"})
"""Names of other treatments, of which the documents say little but how mesotherapy compares."""
THEIRS = re.compile(
    r"\b(?:prp|plasma|platelets?|minoxidil|finasteride|transplant(?:ation)?|fue|fut)\W+"
    r"(?:sessions?|injections?|shots?|jabs?|needles?|treatments?|therapy)\b",
    re.IGNORECASE,
)
OURS = re.compile(
    r"\b(?:its?|th(?:is|at|ese|ose|ey|em)|m[ei]so\w*|sessions?|injections?|shots?|jabs?|needles?|treatments?)\b",
    re.IGNORECASE,
)
"""Words that can mean mesotherapy, unless they stand behind another treatment's name."""
OF_ANOTHER = f"{SILENT}other_treatments"
MOST_NEAR = 12
"""Statements named as nearest, whatever their topic."""
PLAIN = 0.8
"""Probability from which a part of a message is said to be not in the documents."""
PIECE = 0.8
"""Probability from which each piece that "and" joins is a question of its own: see docs/measurements.md."""
APART = 0.95
"""Probability from which a part asks for other treatments at all, beside one that names a treatment; from which
the whole asks what the documents do not tell, and a part of it a question that they do answer."""
TALK = frozenset(SMALL_TALK) | {"empty", "human"}
"""Intents of a part of a message that asks nothing of the documents."""
REMARKS = TALK | {"out_of_scope", UNCLEAR}
"""Intents of a part of a message that is no question about the treatment or the clinic."""


def settle(question: Question, topics: Collection[str]) -> Question:
    """Decide what ``question`` is, weighing its kinds and not only its best intent.

    The seven ``silent_*`` intents are one kind: a topic must be likelier than all of them
    together, or the question counts as not in the documents. Between two topics that are
    about as likely, the user is asked.
    """
    weights = dict(question.ranking)
    silent = {name: weight for name, weight in weights.items() if name.startswith(SILENT)}
    likely = [(name, weight) for name, weight in question.ranking if name in topics]
    (_, best), (_, second) = (*likely, ("", 0.0), ("", 0.0))[:2]
    if question.sure:
        if question.intent not in topics:
            return question
        if sum(silent.values()) > best:
            return replace(question, intent=_most(silent))
        return replace(question, intent=CLARIFY) if second >= CLOSE * best else question
    topic = sum(weight for _, weight in likely)
    other = 1 - topic - sum(silent.values())
    if topic >= max(other, sum(silent.values())) and second >= LIKELY:
        return replace(question, intent=CLARIFY)
    return replace(question, intent=_most(silent) if other < 0.5 else UNCLEAR)


def _most(weights: Mapping[str, float]) -> str:
    return max(weights, key=weights.__getitem__, default=UNCLEAR)


def questions(
    whole: Question,
    parts: Sequence[Question],
    topics: Collection[str],
    pieces: Mapping[str, Sequence[Question]] | None = None,
) -> list[Question]:
    """Return the questions of a message, given the whole of it and its proposed parts.

    The parts count when at least two of them, understood for sure, ask about different
    things; otherwise the message is one question. A part that is only a remark does not
    count beside a question. Where a single part asks, that part is the question, unless the
    whole is surer: what was told before may say what "that" is.

    Parameters
    ----------
    pieces
        What "and" and the like join in a part, or in the whole, by its text.
    """
    intents = {question.text: question.intent for question in (whole, *parts)}
    apart = {text: _apart(found, topics, intents.get(text, "")) for text, found in (pieces or {}).items()}
    parts = [found for part in parts for found in apart.get(part.text) or [part]]
    return _chosen(whole, parts or apart.get(whole.text, ()), topics)


def _apart(pieces: Sequence[Question], topics: Collection[str], of: str) -> Sequence[Question]:
    """Return the ``pieces`` if each is surely about a topic, and not all about the same one.

    Of a longer list two that are sure will do: its other items are no part of these. But what stands
    between the commas of a comparison ("minoxidil and this, what is the difference") belongs together.

    Parameters
    ----------
    of
        The intent of what they are pieces of.
    """
    settled = [settle(piece, topics) for piece in pieces]
    asked = [piece for piece in settled if not (piece.sure and piece.intent in TALK)]
    sure = [found for found in asked if found.sure and found.intent in topics and _weight(found) >= PIECE]
    enough = len(sure) == len(asked) or (len(asked) > 2 and not of.startswith(COMPARISON))
    return pieces if enough and len({found.intent for found in sure}) > 1 else ()


def _weight(question: Question) -> float:
    return dict(question.ranking).get(question.intent, 0.0)


def _chosen(whole: Question, parts: Sequence[Question], topics: Collection[str]) -> list[Question]:
    one = settle(whole, topics)
    settled = _compared([settle(part, topics) for part in parts])
    asked = [part for part in settled if part.sure and part.intent not in REMARKS and _clear(part)]
    about = {part.intent for part in asked}
    if len(about) > 1 and about & set(topics) and not _torn(one, asked, topics):
        return [*(_likelier(part, topics) for part in asked), *_lost(settled, asked, plain=0.0)]
    if one.sure and one.intent not in topics and _off_the_subject(settled, asked, topics):
        return [asked[0], *_lost(settled, asked, plain=PLAIN)]
    silent = one.sure and one.intent.startswith(SILENT)
    if silent and _begins(settled, asked, topics):
        return [asked[0], one]
    if len(parts) == 1 and asked and asked[0].intent in topics and not silent:
        surer = one.sure and one.intent in topics and _weight(one) > _weight(asked[0])
        return [one] if surer else asked
    surer = bool(asked) and asked[0].intent == one.intent and _weight(asked[0]) > _weight(one)
    found = asked[0] if asked and (surer or not one.sure) else one
    return [found, *(_lost(settled, asked, plain=PLAIN) if found.intent in topics and asked else ())]


def _torn(whole: Question, asked: Sequence[Question], topics: Collection[str]) -> bool:
    """Whether the parts ``asked`` were torn out of one question that the documents surely do not answer.

    "What are exosomes | and are they better" asks for no comparison of treatments. A part that is
    surely about a topic ("does it hurt"), or that stands first and so leans on nothing, is a question
    all the same.
    """
    told = {part.intent: _weight(part) for part in asked if part.intent in topics}
    others = [part for part in asked if part.intent not in topics]
    silent = sum(weight for name, weight in whole.ranking if name.startswith(SILENT))
    surely = whole.sure and whole.intent.startswith(SILENT) and silent >= APART
    doubted = len(told) == 1 and max(told.values()) < APART and asked[0] in others
    return surely and doubted and all(part.intent.startswith(SILENT) for part in others)


def _begins(parts: Sequence[Question], asked: Sequence[Question], topics: Collection[str]) -> bool:
    """Whether the first of several ``parts`` is surely about a topic, and only what follows is not understood.

    "What does it cost and which brand is it": the documents' silence about the whole is about its end.
    """
    if list(asked) != list(parts[:1]):
        return False
    rest = [part for part in parts[1:] if not (part.sure and part.intent in REMARKS)]
    return bool(rest) and all(part.intent in topics and _weight(part) >= APART for part in asked)


def _off_the_subject(parts: Sequence[Question], asked: Sequence[Question], topics: Collection[str]) -> bool:
    """Whether one part is surely about a topic and the others are surely another subject, beside small talk.

    "Does it hurt? And what is the capital of France?": the second part makes the whole look like no question to us.
    """
    if len(asked) != 1 or asked[0].intent not in topics or _weight(asked[0]) < APART:
        return False
    others = [part for part in parts if part is not asked[0]]
    plain = all(part.sure and part.intent in REMARKS and _weight(part) >= PLAIN for part in others)
    return plain and any(part.intent == "out_of_scope" for part in others)


def _compared(parts: Sequence[Question]) -> Sequence[Question]:
    """Leave out what only goes on with a comparison to a treatment that is named ("pills or jabs?")."""
    if not any(part.intent.startswith(COMPARISON) and part.intent != ANY_COMPARISON for part in parts):
        return parts
    return [part for part in parts if part.intent != ANY_COMPARISON or _weight(part) >= APART]


def _lost(parts: Sequence[Question], asked: Collection[Question], *, plain: float) -> list[Question]:
    """Return one question for the ``parts`` that ask what is not understood, if there is one.

    Beside two questions any part counts that is neither asked nor small talk; beside a single one, where
    most such parts only lead to the question, what is off the subject with a probability of ``plain``.
    """
    others = [part for part in parts if part not in asked and not (part.sure and part.intent in TALK)]
    lost = [
        part for part in others if not plain or (part.intent == "out_of_scope" and _weight(part) >= plain)
    ]
    return [replace(part, intent=UNCLEAR) for part in lost[:1]]


def _likelier(part: Question, topics: Collection[str]) -> Question:
    """Decide between two topics where others are asked about too: one reply can't ask back and answer."""
    if part.intent != CLARIFY:
        return part
    return replace(part, intent=_most({name: weight for name, weight in part.ranking if name in topics}))


def _clear(part: Question) -> bool:
    """Whether ``part`` may stand beside others: the documents' silence must be plain."""
    if not part.intent.startswith(SILENT):
        return True
    return sum(weight for name, weight in part.ranking if name.startswith(SILENT)) >= PLAIN


def focus(
    question: Question,
    cosines: Mapping[str, float],
    topics: Mapping[str, Topic],
    asked: Mapping[str, float] | None = None,
    *,
    alone: bool = True,
) -> Question:
    """Name the statements nearest to ``question``; trust a very near one more than the intent.

    Parameters
    ----------
    cosines
        Statement → cosine of its vector and the question's, -1 to 1.
    asked
        Statement → cosine of the question and the nearest of those that are asked for it. It orders the
        statements and decides between two topics, but does not overrule an intent.
    alone
        Whether the message asks nothing else: one of several is short, and its topic stands.
    """
    closest = {name: max(value, (asked or {}).get(name, value)) for name, value in cosines.items()}
    if question.intent == CLARIFY:
        question = replace(question, intent=_decided(question, asked or {}, topics))
    elif alone and question.intent in topics:
        near = max(closest[name] for name in topics[question.intent].statements)
        question = question if near >= HARDLY_NEAR else _doubted(question)
    if question.intent in topics and _of_another(question):
        question = replace(question, intent=OF_ANOTHER)
    nearest = max(cosines, key=cosines.__getitem__)
    near = cosines[nearest] >= NEAR
    topic = topics.get(question.intent)
    listed = sorted(closest, key=lambda name: (-closest[name], name))[:MOST_NEAR]
    question = replace(question, near=tuple((name, round(closest[name], 4)) for name in listed))
    if (
        topic is None
        and cosines[nearest] >= VERY_NEAR
        and question.intent not in REMARKS - {"out_of_scope", UNCLEAR}
    ):
        weights = dict(question.ranking)
        telling = [name for name in topics if nearest in topics[name].statements]
        if telling and not question.intent.startswith("ask_") and question.intent != "clinic":
            intent = max(telling, key=lambda name: weights.get(name, 0.0))
            question, topic = replace(question, intent=intent), topics[intent]
    if topic is None:
        return question
    if question.intent.startswith(COMPARISON):  # of mesotherapy alone nothing is asked
        near = near and any(
            nearest in topics[name].statements for name in topics if name.startswith(COMPARISON)
        )
    names = {*topic.statements, *([nearest] if near else [])}
    best = sorted(names, key=lambda name: (-closest[name], name))
    return replace(question, focus=tuple((name, round(closest[name], 4)) for name in best))


def _of_another(question: Question) -> bool:
    """Whether another treatment alone is asked about ("how far apart are PRP sessions").

    What the documents say of mesotherapy is no answer to that, and would look like one.
    """
    if question.intent.startswith(COMPARISON) or question.intent in OF_OTHERS_TOO:
        return False
    return not OTHERS.isdisjoint(question.names) and not OURS.search(THEIRS.sub("", question.text))


def _doubted(question: Question) -> Question:
    """Return ``question`` as not in the documents where that is not much less likely than its topic."""
    silent = {name: weight for name, weight in question.ranking if name.startswith(SILENT)}
    doubted = sum(silent.values()) > HARDLY_LIKELIER * _weight(question)
    return replace(question, intent=_most(silent)) if doubted else question


def _decided(question: Question, asked: Mapping[str, float], topics: Mapping[str, Topic]) -> str:
    """Return which of the two likeliest topics ``question`` is about; CLARIFY where nothing near tells."""
    two = [name for name, _ in question.ranking if name in topics][:2]
    near = {
        name: max((asked.get(each, 0.0) for each in topics[name].statements), default=0.0) for name in two
    }
    best = max(near, key=near.__getitem__, default=CLARIFY)
    return best if near.get(best, 0.0) >= ASKED_NEAR else CLARIFY
