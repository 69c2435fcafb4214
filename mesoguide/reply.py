"""From the questions of one message to one whole reply.

The user's words are never repeated: what is said depends on what was understood, the
memory, and the knowledge.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from mesoguide import follow_up
from mesoguide.answer import (
    Passage,
    answer,
    brief_answer,
    of_document,
    plain_answer,
    reasons,
    rest,
    short_answer,
)
from mesoguide.follow_up import CLARIFY, COMPARISON, SILENT
from mesoguide.knowledge import filled
from mesoguide.languages import ENGLISH, languages
from mesoguide.named_document import asked_document, only_document
from mesoguide.safety import DEFERRALS, RED_FLAGS, TIERS
from mesoguide.settings import Settings
from mesoguide.types import Document, Kind, Knowledge, Memory, Question, Reply, Topic

LONGEST = 1000
"""Characters of a reply to one question, where that can be."""
SEVERAL = 1250
"""Characters of a reply to several questions, where that can be."""
LONGEST_OF_ALL = 1500
"""Characters that no reply passes: beyond it channels cut or refuse a message."""
BUTTONS = 3
REMINDERS = 3
"""Replies after a red flag that carry the reminder, and messages that may go back to any fixed text."""

SMALL_TALK: Mapping[str, str] = {
    "greet": "greeting", "goodbye": "goodbye", "thanks": "thanks", "bot_challenge": "bot",
    "capabilities": "capabilities", "chitchat": "chitchat", "frustration": "frustration",
    "affirm": "affirm", "deny": "deny", "privacy": "privacy",
}  # fmt: skip
"""Intent → the fixed text that answers it."""
STARTERS = ("How does it work?", "Does it hurt?", "What are the side effects?")


def respond(
    questions: Sequence[Question], memory: Memory, knowledge: Knowledge, settings: Settings
) -> tuple[Reply, Memory]:
    """Answer all ``questions`` of one message in one reply; return it with the new memory.

    The same arguments always give the same bytes.
    """
    memory = _known(memory, knowledge)
    asked = _resolved(questions, memory, knowledge)
    alone = (*questions, *asked) if len(questions) == len(asked) == 1 else ()
    if memory.held and any(follow_up.goes_back(question, memory.stopped) for question in alone):
        return stop(memory.stopped, ENGLISH, memory, knowledge, settings)
    reply, kept = _responded(asked, memory, filled(knowledge, settings))
    if memory.reminders:
        text = filled(knowledge, settings).notices["reminder"]
        reply = replace(reply, text=f"{text}\n{reply.text}", notices=("reminder", *reply.notices))
    held = max(0, memory.held - 1)
    kept = replace(kept, reminders=max(0, memory.reminders - 1), held=held)
    return reply, replace(kept, stopped=memory.stopped if held else "")


def _known(memory: Memory, knowledge: Knowledge) -> Memory:
    """``memory`` without what is gone: a conversation can be older than the knowledge."""
    return replace(
        memory,
        topics=tuple(name for name in memory.topics if name in knowledge.topics),
        told=tuple(name for name in memory.told if name in knowledge.statements),
        asked=tuple(name for name in memory.asked if name in knowledge.topics),
        held=memory.held if memory.stopped in TIERS and memory.stopped in knowledge.notices else 0,
    )


def stop(
    tier: str, language: str, memory: Memory, knowledge: Knowledge, settings: Settings
) -> tuple[Reply, Memory]:
    """Return the safety stop's reply for ``tier``: one fixed text and nothing else.

    It clears what the conversation remembers, but not a reminder that is due. After a red flag
    the next replies carry one. A message soon after that goes back to what was told gets the same text.

    Parameters
    ----------
    tier
        One of :data:`mesoguide.safety.TIERS` but "none", or "language".
    language
        Code of the message's language; where it is known and not English, a line in it follows.
    """
    text = filled(knowledge, settings).notices[tier]
    notices: tuple[str, ...] = (tier,)
    if language in languages():
        text = f"{text}\n{languages()[language].line}"
        notices = (tier, f"language_{language}")
    due = max(0, memory.reminders - 1)
    if tier == "language":
        kept = Memory(reminders=due, stopped=memory.stopped, held=max(0, memory.held - 1))
        return Reply(text, "language", notices=notices), kept
    kind: Kind = "personal" if tier in DEFERRALS else "safety"
    reply = Reply(text, kind, tier=tier, notices=notices)
    return reply, Memory(reminders=REMINDERS if tier in RED_FLAGS else due, stopped=tier, held=REMINDERS)


def _responded(asked: Sequence[Question], memory: Memory, knowledge: Knowledge) -> tuple[Reply, Memory]:
    topics = [q for q in asked if q.intent in knowledge.topics]
    if topics:
        return _topic_reply(asked, memory, knowledge)
    first = next((q for q in asked if q.intent.startswith("ask_")), asked[0] if asked else None)
    if first is None:
        return _fixed("out_of_scope", ("empty",), knowledge, STARTERS), memory
    if first.intent.startswith("ask_"):
        return _follow_up_reply(first, memory, knowledge)
    if first.intent == CLARIFY:
        return _clarify_reply(first, memory, knowledge)
    kinds = sorted((_other(q) for q in asked), key=lambda pair: _WEIGHT.index(pair[0]))
    kind = kinds[0][0]
    keys = tuple(dict.fromkeys(key for of_kind, key in kinds if of_kind == kind))[:2]
    buttons = () if kind == "small_talk" and keys[0] == "goodbye" else STARTERS
    return _fixed(kind, keys, knowledge, buttons), replace(memory, asked=())


UNCLEAR = "unclear"
"""The intent of a message that was not understood at all."""
BESIDE: Mapping[Kind, str] = {
    "clinic": "clinic_too", "not_in_documents": "not_in_documents_too", "out_of_scope": "unclear_too",
}  # fmt: skip
"""Kind of a question that is no topic → what is said of it beside an answer."""
_WEIGHT: tuple[Kind, ...] = ("not_in_documents", "clinic", "out_of_scope", "small_talk")


def _other(question: Question) -> tuple[Kind, str]:
    """Kind and fixed text of a question that is about no topic.

    "What does the review say about the tides?" has an answer: nothing.
    """
    intent = question.intent
    if intent.startswith(SILENT) or (intent == "out_of_scope" and question.document):
        return "not_in_documents", "not_in_documents"
    if intent in ("clinic", "human"):
        return "clinic", intent
    if intent in SMALL_TALK:
        return "small_talk", SMALL_TALK[intent]
    return "out_of_scope", intent if intent in (UNCLEAR, "empty") else "out_of_scope"


def _resolved(questions: Sequence[Question], memory: Memory, knowledge: Knowledge) -> list[Question]:
    """Give follow-ups their topic, drop greetings and the like beside a real question."""
    if len(questions) == 1 and asked_document(questions[0].text, memory, knowledge):
        return [replace(questions[0], intent=follow_up.OF_DOCUMENT if memory.topics else "ask_contents")]
    picked = follow_up.picked(questions[0], memory, knowledge) if len(questions) == 1 else ()
    if picked:
        return [follow_up.about(questions[0], topic, knowledge) for topic in picked]
    found: list[Question] = []
    for asked in questions:
        stays = follow_up.same_topic(asked, memory, knowledge) if len(questions) == 1 else None
        named = follow_up.named_topic(asked)
        question = follow_up.about(asked, stays, knowledge) if stays and not named else asked
        intent = named or question.intent
        if intent == "ask_next":
            intent = follow_up.next_topic(memory, knowledge) or "ask_more"
        if intent == "capabilities" and question.document:  # "which topics are in the guide"
            intent = "ask_contents"
        meant = replace(question, intent=intent)
        several = follow_up.compared(meant) if intent.startswith(COMPARISON) else [intent]
        found += [replace(meant, intent=topic) for topic in several]
    real = [q for q in found if q.intent not in SMALL_TALK]
    if not any(q.intent in knowledge.topics for q in real):
        real = [q for q in real if q.intent != UNCLEAR]
    kept = real or found[:1]
    unique: dict[str, Question] = {}
    for question in kept:
        key = question.intent if question.intent in knowledge.topics else question.text
        first = unique.setdefault(key, question)
        if first.document != question.document:  # asked of both
            unique[key] = replace(first, document="")
    return list(unique.values())


def _topic_reply(asked: Sequence[Question], memory: Memory, knowledge: Knowledge) -> tuple[Reply, Memory]:
    """Answer the topics among ``asked``: shorter where they are many, and never too long."""
    other = len(asked) == 1 and follow_up.other_treatment(asked[0], memory)
    note = "about_mesotherapy" if other else ""
    told = _topics_told(asked, knowledge, note=note)
    if len(told[0].text) <= LONGEST_OF_ALL:
        return told
    told = _topics_told(asked, knowledge, note=note, brief=range(len(asked)))
    answered = list(asked)
    while len(told[0].text) > LONGEST_OF_ALL and len(answered) > 1:
        answered.pop()
        told = _topics_told(answered, knowledge, brief=range(len(answered)), cut=True)
    brief = set(range(len(answered)))
    for place in range(len(answered)):  # as many as there is room for are told less briefly, from the first
        longer = _topics_told(
            answered, knowledge, note=note, brief=brief - {place}, cut=len(answered) < len(asked)
        )
        if len(longer[0].text) <= LONGEST_OF_ALL:
            told, brief = longer, brief - {place}
    return told


def _topics_told(
    asked: Sequence[Question],
    knowledge: Knowledge,
    *,
    note: str = "",
    brief: Collection[int] | None = None,
    cut: bool = False,
) -> tuple[Reply, Memory]:
    """Answer in full; with ``cut``, say that something is left out. The ``note`` comes first.

    Parameters
    ----------
    brief
        Places of what is answered in as few words as can be; all others are then answered without details.
    """
    put = [_put(q, knowledge) for q in asked]
    about = [topic for topic, _ in put if topic is not None]
    several = len(asked) > 1
    room = (SEVERAL if several else LONGEST) - _closing_length(about, knowledge, several=several)
    notices = [note] if note else []
    lines = [knowledge.notices[key] for key in notices]
    told: list[str] = []
    leading = [name for topic in about for name in (*topic.lead, *topic.sides)]
    for place, (topic, question) in enumerate(put):
        if topic is None:
            key = BESIDE.get(_other(question)[0])
            if key and key not in notices:
                lines.append(knowledge.notices[key])
                notices.append(key)
            continue
        if brief is not None:
            shorter = place in brief
            passage = (
                brief_answer(topic, question, knowledge)
                if shorter
                else plain_answer(topic, question, knowledge, told)
            )
        else:
            passage = answer(topic, question, knowledge, room=room // len(asked), told=(*leading, *told))
        if several:
            lines.append(f"{topic.label[0].upper()}{topic.label[1:]}:")
        if asked[place].document != question.document:
            name = knowledge.documents[asked[place].document].name
            lines.append(knowledge.notices["document_silent"].format(document=name, label=topic.label))
            notices.append("document_silent")
        lines += passage.lines
        told += passage.statements
    if cut:
        lines.append(knowledge.notices["too_many"])
        notices.append("too_many")
    names = tuple(topic.id for topic in about)
    reply = _answer_reply(names, Passage(tuple(lines), tuple(told)), knowledge, short=several or cut)
    kept = Memory(topics=names, told=tuple(dict.fromkeys(told)))
    others = _other_sides(about[0], put[0][1].document, knowledge) if not several else ()
    buttons = (*others, *_buttons(about))[:BUTTONS]
    return replace(reply, buttons=buttons, notices=(*reply.notices, *dict.fromkeys(notices))), kept


def _put(question: Question, knowledge: Knowledge) -> tuple[Topic | None, Question]:
    """The topic of ``question`` as the document that it is put to tells of it, and the question to that one.

    Where that document is silent, the topic is as all of them tell of it, and the question is put to none.
    """
    topic = knowledge.topics.get(question.intent)
    if topic is None or not question.document:
        return topic, question
    own = of_document(topic, question.document, knowledge)
    if not own.statements:
        return topic, replace(question, document="")
    return own, replace(question, focus=tuple(pair for pair in question.focus if pair[0] in own.statements))


def _other_sides(topic: Topic, document: str, knowledge: Knowledge) -> tuple[str, ...]:
    """The questions for what the others say, where one document was told and they do not agree."""
    if not (document and topic.sides):
        return ()
    others = (each.name for each in knowledge.documents.values() if each.id != document)
    return tuple(f"What does {_lower_first(name)} say?" for name in others)


def _answer_reply(
    topics: tuple[str, ...], passage: Passage, knowledge: Knowledge, *, short: bool = False
) -> Reply:
    """Add sources, kinds of publisher and disclaimer to ``passage``."""
    statements = tuple(dict.fromkeys(passage.statements))
    sources = _sources(statements, knowledge)
    lines = [*passage.lines]
    if sources:
        lines.append(_source_line(sources, knowledge))
    if any(knowledge.topics[name].publisher for name in topics if name in knowledge.topics):
        lines.append(_publisher_line(knowledge))
    notice = "disclaimer_short" if short else "disclaimer"
    lines.append(knowledge.notices[notice])
    return Reply(
        text=_bubble(lines),
        kind="answer",
        topics=topics,
        notices=(notice,),
        statements=statements,
        sources=sources,
    )


def _follow_up_reply(question: Question, memory: Memory, knowledge: Knowledge) -> tuple[Reply, Memory]:
    """Answer "says who?", "tell me more", "why?", "which is right?", "say it simply", "where do they differ?"."""
    about = [knowledge.topics[name] for name in memory.topics if name in knowledge.topics]
    if question.intent == "ask_sources":
        return _sources_reply(about, memory, knowledge), memory
    document = question.document or only_document(question.text, knowledge)
    if question.intent == "ask_contents" and document:
        return _contents_reply(document, knowledge), replace(memory, asked=())
    if question.intent == "ask_differences" and not (about and follow_up.of_last(question)):
        reply = _differences_reply(knowledge)
        return reply, replace(memory, asked=reply.topics[:BUTTONS])
    if not about and question.intent == "ask_verdict":
        return _fixed("small_talk", ("bottom_line",), knowledge, STARTERS), memory
    if not about or question.intent == "ask_contents":
        return _fixed("small_talk", ("capabilities",), knowledge, STARTERS), memory
    names = tuple(topic.id for topic in about)
    if question.intent == follow_up.OF_DOCUMENT:
        return _document_reply(question, about, memory, knowledge)
    passages = _told_after(question.intent, about, memory, knowledge)
    if not any(passage.statements for passage in passages):
        key = "no_reason" if question.intent == "ask_why" else "nothing_left"
        labels = " and ".join(topic.label for topic in about)
        text = knowledge.notices[key].format(label=labels)
        lines = [text, knowledge.notices["disclaimer"]]
        reply = Reply(_bubble(lines), "not_in_documents", names, notices=(key, "disclaimer"))
        return replace(reply, buttons=_buttons(about)), memory
    note = ""
    if question.intent == "ask_verdict":
        note = "verdict" if any(topic.agreement == "differ" for topic in about) else "bottom_line"
    if question.intent == "ask_differences" and all(topic.agreement == "agree" for topic in about):
        note = "agree"
    reply = _fitted(about, passages, knowledge, note=note)
    kept = replace(memory, told=tuple(dict.fromkeys((*memory.told, *reply.statements))), asked=())
    return replace(reply, buttons=_buttons(about)), kept


def _document_reply(
    question: Question, about: Sequence[Topic], memory: Memory, knowledge: Knowledge
) -> tuple[Reply, Memory]:
    """Tell what one of the documents says on the last answer's topics ("and what does the review say?")."""
    document = knowledge.documents[asked_document(question.text, memory, knowledge)]
    several = len(about) > 1
    room = LONGEST - _closing_length(about, knowledge, several=several)
    passages = [
        _all_of(of_document(topic, document.id, knowledge), knowledge, room // len(about)) for topic in about
    ]
    names = tuple(topic.id for topic in about)
    if any(passage.statements for passage in passages):
        reply = _fitted(about, passages, knowledge)
    else:
        labels = " and ".join(topic.label for topic in about)
        text = knowledge.notices["document_silent"].format(document=document.name, label=labels)
        lines = (text, knowledge.notices["disclaimer"])
        reply = Reply(_bubble(lines), "not_in_documents", names, notices=("document_silent", "disclaimer"))
    before = (name for name in memory.told if name not in reply.statements)
    kept = replace(memory, told=(*before, *reply.statements), asked=())  # what was told last stands last
    return replace(reply, buttons=_buttons(about)), kept


def _all_of(topic: Topic, knowledge: Knowledge, room: int) -> Passage:
    """What there is to tell of ``topic``, whatever was asked about it; empty where that is nothing."""
    if not topic.statements:
        return Passage((), ())
    return answer(topic, Question("", topic.id, sure=True), knowledge, room=room)


def _fitted(
    about: Sequence[Topic], passages: Sequence[Passage], knowledge: Knowledge, *, note: str = ""
) -> Reply:
    """Put ``passages``, one a topic, into one reply after the ``note``.

    Where they are too long for it, the last ones are left out, and the reply says so.
    """
    left = list(passages)
    while True:
        told = tuple(dict.fromkeys(name for passage in left for name in passage.statements))
        first, last = [note] if note else [], ["too_many"] if len(left) < len(passages) else []
        lines = [line for passage in left for line in passage.lines]
        # A detail is told once, but each topic says by itself that the two do not agree on it.
        lines = [line for i, line in enumerate(lines) if not (line.startswith("•") and line in lines[:i])]
        fixed_first, fixed_last = ([knowledge.notices[key] for key in keys] for keys in (first, last))
        whole = Passage((*fixed_first, *lines, *fixed_last), told)
        names = tuple(topic.id for topic in about)
        reply = _answer_reply(names, whole, knowledge, short=len(about) > 1)
        if len(reply.text) <= LONGEST_OF_ALL or len(left) < 2:
            return replace(reply, notices=(*reply.notices, *first, *last))
        left.pop()


def _told_after(intent: str, about: Sequence[Topic], memory: Memory, knowledge: Knowledge) -> list[Passage]:
    """Return what a follow-up with ``intent`` tells about each topic.

    Where several topics together are too long for one bubble, each is told more briefly.
    """
    several = len(about) > 1
    room = LONGEST - _closing_length(about, knowledge, several=several)
    passages: list[Passage] = []
    for topic in about:
        if intent == "ask_why":
            passages.append(reasons(topic, knowledge))
        elif intent == "ask_differences" and not several:
            passages.append(plain_answer(topic, Question("", topic.id, sure=True), knowledge))
        elif intent in ("ask_verdict", "ask_simpler", "ask_differences"):
            brief = brief_answer(topic, Question("", topic.id, sure=True), knowledge)
            passages.append(brief if several else short_answer(topic, knowledge))
        else:
            left = room - sum(len(line) for passage in passages for line in passage.lines)
            passages.append(rest(topic, memory, knowledge, room=left))
    return passages


def _differences_reply(knowledge: Knowledge) -> Reply:
    """List what the documents do not agree on, and on what they do ("where do the two disagree?")."""
    about = [topic for topic in knowledge.topics.values() if topic.agreement == "differ"]
    points = "; ".join(topic.differ_on for topic in about)
    agreed = "; ".join(topic.label for topic in knowledge.topics.values() if topic.agreement == "agree")
    told = tuple(name for topic in about for name in topic.sides)
    lines = (knowledge.notices["differences"].format(points=points, agreed=agreed),)
    reply = _answer_reply(tuple(topic.id for topic in about), Passage(lines, told), knowledge, short=True)
    buttons = tuple(_asks(topic) for topic in about)[:BUTTONS]
    return replace(reply, statements=(), buttons=buttons, notices=(*reply.notices, "differences"))


def _contents_reply(document: str, knowledge: Knowledge) -> Reply:
    """Say what one of the documents is, and on which topics it says something ("what is the review about?")."""
    told = knowledge.documents[document]
    every = (of_document(topic, document, knowledge) for topic in knowledge.topics.values())
    about = [topic for topic in every if topic.lead or topic.sides]
    labels = "; ".join(topic.label for topic in about)
    lines = (
        _described(told),
        knowledge.notices["contents"].format(document=told.name, labels=labels),
        knowledge.notices["disclaimer_short"],
    )
    buttons = tuple(_asks(topic) for topic in about)[:BUTTONS]
    return Reply(_bubble(lines), "small_talk", notices=("contents", "disclaimer_short"), buttons=buttons)


def _described(document: Document) -> str:
    """What a document is, who published it and when it was read."""
    return (
        f'{document.name}: "{document.title}", {document.publisher_kind},'
        f" from {document.publisher}, read on {document.read.isoformat()}."
    )


def _sources_reply(about: Sequence[Topic], memory: Memory, knowledge: Knowledge) -> Reply:
    sources = _sources(memory.told, knowledge)
    lines = [knowledge.notices["all_sources"]]
    for document in knowledge.documents.values():
        sections = [s["section"] for s in sources if s["document"] == document.id]
        used = f" Sections used: {_quoted(sections)}." if sections else ""
        lines.append(f"• {_described(document)}{used}")
    lines.append(knowledge.notices["disclaimer"])
    names = tuple(topic.id for topic in about)
    return Reply(
        text=_bubble(lines),
        kind="answer" if names else "small_talk",
        topics=names,
        notices=("all_sources", "disclaimer"),
        statements=memory.told,
        sources=sources,
        buttons=_buttons(about) if about else STARTERS,
    )


def _clarify_reply(question: Question, memory: Memory, knowledge: Knowledge) -> tuple[Reply, Memory]:
    """Ask which of two topics is meant: once, never twice in a row."""
    options = [name for name, _ in question.ranking if name in knowledge.topics][:2]
    if memory.asked or len(options) < 2:
        return _fixed("out_of_scope", (UNCLEAR,), knowledge, STARTERS), replace(memory, asked=())
    first, second = (knowledge.topics[name] for name in options)
    text = knowledge.notices["clarify"].format(first=first.label, second=second.label)
    lines = [text, knowledge.notices["disclaimer_short"]]
    reply = Reply(
        text=_bubble(lines),
        kind="clarify",
        topics=(),
        notices=("clarify", "disclaimer_short"),
        buttons=tuple(_asks(topic) for topic in (first, second)),
    )
    return reply, replace(memory, asked=tuple(options))


def _asks(topic: Topic) -> str:
    """A topic's label as the question that a button sends."""
    return f"Tell me about {topic.label}"


def _fixed(
    kind: Kind,
    keys: tuple[str, ...],
    knowledge: Knowledge,
    buttons: tuple[str, ...] = (),
) -> Reply:
    """A reply of fixed texts, with the short disclaimer."""
    lines = [knowledge.notices[key] for key in (*keys, "disclaimer_short")]
    return Reply(_bubble(lines), kind, notices=(*keys, "disclaimer_short"), buttons=buttons)


def fixed(key: str, knowledge: Knowledge) -> Reply:
    """Return the fixed text ``key`` as a reply of its own, for what happens around a conversation.

    Parameters
    ----------
    knowledge
        With its fixed texts filled in.
    """
    return _fixed("small_talk", (key,), knowledge)


def error_reply(knowledge: Knowledge) -> Reply:
    """The reply when anything failed."""
    return Reply(knowledge.notices["error"], "error", notices=("error",))


def _buttons(about: Iterable[Topic]) -> tuple[str, ...]:
    offered = [text for topic in about for text in topic.next]
    return tuple(dict.fromkeys(offered))[:BUTTONS]


def _sources(statements: Iterable[str], knowledge: Knowledge) -> tuple[dict[str, str], ...]:
    pairs = dict.fromkeys(
        (knowledge.statements[name].document, knowledge.statements[name].section) for name in statements
    )
    order = list(knowledge.documents)
    return tuple(
        {"document": document, "section": knowledge.documents[document].sections[section].title}
        for document, section in sorted(pairs, key=lambda pair: order.index(pair[0]))
    )


def _source_line(sources: Sequence[Mapping[str, str]], knowledge: Knowledge) -> str:
    parts = []
    for document in dict.fromkeys(source["document"] for source in sources):
        sections = [s["section"] for s in sources if s["document"] == document]
        parts.append(f"{_lower_first(knowledge.documents[document].name)} ({_quoted(sections)})")
    return f"Sources: {'; '.join(parts)}."


def _publisher_line(knowledge: Knowledge) -> str:
    kinds = [
        f"{_lower_first(document.name)} is {document.publisher_kind}"
        for document in knowledge.documents.values()
    ]
    text = "; ".join(kinds)
    return f"{text[0].upper()}{text[1:]}."


def _closing_length(about: Sequence[Topic], knowledge: Knowledge, *, several: bool) -> int:
    """Characters to keep free for sources, publishers and disclaimer."""
    notice = knowledge.notices["disclaimer_short" if several else "disclaimer"]
    publisher = any(topic.publisher for topic in about)
    return len(notice) + 190 + (len(_publisher_line(knowledge)) if publisher else 0)


def _quoted(sections: Sequence[str]) -> str:
    return ", ".join(f'"{section}"' for section in sections)


def _lower_first(name: str) -> str:
    return name[0].lower() + name[1:]


def _bubble(lines: Iterable[str]) -> str:
    """Join ``lines`` to one bubble: no empty line, because channels split there."""
    return "\n".join(line.strip() for line in lines if line.strip())
