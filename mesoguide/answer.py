"""Put the answer about one topic together, from recorded statements and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from mesoguide.types import NEAR, Knowledge, Memory, Question, Statement, Topic

FOCUS = 0.3
"""Cosine from which a statement counts as what the question is after."""
SURE_TO_TELL = 3
"""Statements that the question is after and that are told even where room is short."""
AHEAD = 0.15
"""How much nearer than the topic's short answer a detail must be to be said before it."""
MOST_DETAILS = 5
"""Statements listed under an answer; the rest is told on "tell me more"."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a reply: its lines, and the ids of the statements that are in them."""

    lines: tuple[str, ...]
    statements: tuple[str, ...]


def answer(
    topic: Topic,
    question: Question,
    knowledge: Knowledge,
    *,
    room: int,
    told: Collection[str] = (),
) -> Passage:
    """Answer ``question`` about ``topic`` in at most ``room`` characters where that can be.

    The short answer comes first (what the question is after, then the topic's lead or its
    two sides, which are never left out), then as much detail as there is room for.

    Parameters
    ----------
    told
        Statements that stand in the bubble already: they are no detail here.
    """
    wanted = _wanted(topic, question)
    first = _said_first(topic, question, wanted)
    leading = (*first, *topic.lead)
    lines = _sentences(_in_order(leading, knowledge), knowledge)
    if topic.sides:
        lines += _sentences(_by_document(topic.sides, knowledge), knowledge)
        lines.append(knowledge.notices["differ"].format(differ_on=topic.differ_on))
    used = [*leading, *topic.sides]
    closing = [topic.open] if topic.open else []
    left = [name for name in (*wanted, *topic.more) if name not in used and name not in told]
    for name in list(dict.fromkeys(left))[:MOST_DETAILS]:
        line = f"• {_attributed(knowledge.statements[name], knowledge)}."
        full = sum(map(len, lines)) + sum(map(len, closing)) + len(line) > room
        if full and name not in wanted[:SURE_TO_TELL]:
            break
        lines.append(line)
        used.append(name)
    return Passage((*lines, *closing), tuple(used))


def short_answer(topic: Topic, knowledge: Knowledge) -> Passage:
    """Answer with the topic's lead or sides alone ("say it simply")."""
    names = (*topic.lead, *topic.sides)
    lines = _sentences(_by_document(names, knowledge), knowledge)
    if topic.sides:
        lines.append(knowledge.notices["differ"].format(differ_on=topic.differ_on))
    return Passage(tuple(lines), names)


def plain_answer(
    topic: Topic, question: Question, knowledge: Knowledge, told: Collection[str] = ()
) -> Passage:
    """Answer without details: what is asked for, the lead or both sides, and what the documents leave open.

    Parameters
    ----------
    told
        Statements that stand in the bubble already: of a lead they are not told again. Sides always are.
    """
    first = [name for name in _said_first(topic, question, _wanted(topic, question))[:1] if name not in told]
    short = short_answer(topic, knowledge)
    if topic.lead and not topic.sides and not set(topic.lead) <= set(told):
        new = [name for name in topic.lead if name not in told]
        short = Passage(tuple(_sentences(_by_document(new, knowledge), knowledge)), tuple(new))
    lines = [*_sentences(_in_order(first, knowledge), knowledge), *short.lines]
    return Passage((*lines, *([topic.open] if topic.open else [])), (*first, *short.statements))


def brief_answer(topic: Topic, question: Question, knowledge: Knowledge) -> Passage:
    """Answer in as few words as can be: one statement a document, and what is asked for."""
    wanted = _said_first(topic, question, _wanted(topic, question))[:1]
    speakers = {knowledge.statements[name].document: name for name in reversed(topic.lead + topic.sides)}
    names = dict.fromkeys((*wanted, *reversed(speakers.values())))
    lines = _sentences(_in_order(names, knowledge), knowledge)
    if topic.sides:
        lines.append(knowledge.notices["differ_brief"])
    return Passage(tuple(lines), tuple(names))


def rest(topic: Topic, memory: Memory, knowledge: Knowledge, *, room: int) -> Passage:
    """Tell what has not been told about ``topic`` yet; empty when nothing is left."""
    lines: list[str] = []
    used: list[str] = []
    for name in topic.statements:
        if name in memory.told:
            continue
        line = f"• {_attributed(knowledge.statements[name], knowledge)}."
        if used and sum(map(len, lines)) + len(line) > room:
            break
        lines.append(line)
        used.append(name)
    return Passage(tuple(lines), tuple(used))


def of_document(topic: Topic, document: str, knowledge: Knowledge) -> Topic:
    """Return ``topic`` with the statements of one document alone; it still says where the two differ."""

    def own(names: Iterable[str]) -> tuple[str, ...]:
        return tuple(name for name in names if knowledge.statements[name].document == document)

    return replace(topic, lead=own(topic.lead), sides=own(topic.sides), more=own(topic.more))


def reasons(topic: Topic, knowledge: Knowledge) -> Passage:
    """Answer a bare "why?" after ``topic``; empty where the documents give no reason."""
    lines = _sentences(_in_order(topic.why, knowledge), knowledge)
    return Passage(tuple(lines), topic.why)


def _wanted(topic: Topic, question: Question) -> list[str]:
    """The statements that the question is after, nearest first."""
    own = set(topic.statements)
    return [name for name, cosine in question.focus if cosine >= NEAR or (name in own and cosine >= FOCUS)]


def _said_first(topic: Topic, question: Question, wanted: Sequence[str]) -> list[str]:
    """The details that answer the question better than the topic's short answer does."""
    cosines = dict(question.focus)
    short = max((cosines.get(name, 0.0) for name in topic.lead + topic.sides), default=0.0)
    return [name for name in wanted[:2] if name in topic.more and cosines[name] >= short + AHEAD]


def _in_order(names: Iterable[str], knowledge: Knowledge) -> list[Statement]:
    return [knowledge.statements[name] for name in names]


def _by_document(names: Iterable[str], knowledge: Knowledge) -> list[Statement]:
    """Statements with those of one document together, in the order of first mention."""
    found = _in_order(names, knowledge)
    order = list(dict.fromkeys(statement.document for statement in found))
    return sorted(found, key=lambda statement: order.index(statement.document))


def _sentences(statements: Sequence[Statement], knowledge: Knowledge) -> list[str]:
    """One line for each run of statements of the same document."""
    lines: list[str] = []
    speaker = ""
    for statement in statements:
        if statement.document == speaker:
            lines[-1] += f" It also says {statement.says}."
        else:
            lines.append(f"{_attributed(statement, knowledge)}.")
        speaker = statement.document
    return lines


def _attributed(statement: Statement, knowledge: Knowledge) -> str:
    return f"{knowledge.documents[statement.document].name} says {statement.says}"
