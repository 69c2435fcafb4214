"""Where one question may end and the next begin.

This only *proposes*: ``doc._.questions`` are the spans of text that could each be a question
of its own, found when they are first asked for. Whether they are is decided later, by what is understood of
each (``mesoguide.components.question_reader``).
"""

from __future__ import annotations

from itertools import pairwise

from spacy.tokens import Doc, Span, Token

__all__ = ["joined", "propose", "question_spans"]

ENDS = frozenset("?!.;…\n") | {"...", "??", "???", "?!", "!?", "!!", "..", "–", "—"}
JOINS = frozenset({"and", "also", "plus", "but", "or", "then", "btw", "so", "&", "+", ",", "n"})
BETWEEN = JOINS | {"if", "just", "roughly"}
WH = frozenset("what whats what's how hows why when where who whos which".split())
AUXILIARY = frozenset(
    "am is are do does did can could will would should shall has have was were may might must"
    " isnt doesnt dont cant wont isn doesn don can won".split()
)
CONTRACTED = frozenset({"whats", "hows", "whos", "'s", "'re"})
PRONOUNS = frozenset("i it you they we he she".split())
SUBJECT = PRONOUNS | frozenset("there the this that these my your people one".split())
CUES = frozenset("wondering wonder know tell curious about interested whether if asking question".split())
"""Words that make a part a question without a question word."""
ADDS = frozenset({"and", "also", "plus", "&", "+", "n"})
"""Join two things that are asked about, where nothing else shows that there are two."""
SEPARATES = ADDS | {",", "/", ";"}
"""Stand between the items of a bare list ("cost, pain and side effects")."""
BULLETS = frozenset({"-", "–", "—", "*", "•"})
"""Stand before the items of one, with a space on either side ("- price - side effects")."""
MOST_BEFORE_COLON = 4
"""Words before a colon that opens a bare list ("please advise: price, side effects")."""
ABOUT = frozenset({"about", "regarding", "abt"})
TELLS = frozenset(
    "say says said know tell tells talk talks speak mention mentions write writes hear read".split()
)
"""Before "about" they announce a bare list as well ("what does the review say about pain and cost")."""
ACCORDING = "according"
"""Ends one ("pain and cost according to the review")."""
MOST_IN_ITEM = 4
"""Words in an item of a bare list."""
MOST_ONES = 3
"""Words of a part that is about the "ones" named before it."""
LISTED = frozenset({"the", "its", "their"})
"""Open the next thing in a list of what is asked about ("tell me the price, the time it takes …")."""
FURTHER = frozenset({"any", "about"})
"""Open one too ("what is in it, any side effects")."""
RELATIVE = frozenset({"that", "who", "which"})
"""Before an auxiliary they tell more of a noun ("a doctor that does the injections")."""
HAVING = frozenset({"have", "has", "had"})
"""Stand between "could one" and what one could have: no question opens at them."""
NEGATED = frozenset({"not", "n't", "nt", "t"})
SUPPOSED = frozenset({"if", "assuming", "provided", "supposing"})
"""Open what is only supposed: the question comes after it ("if it fails, is it dangerous?")."""
KNOWN = frozenset("know understand gather realise realize".split())
"""After "I" they open what needs no answer ("I understand what it is")."""
REACH = 4
"""Words after "I know" that still belong to it, where no sentence ends."""
NOT_KNOWN = frozenset("to not n't nt dont don t want wanna na need wish".split())
"""Between "I" and these they say the contrary ("I want to know what it is")."""
OR_NOT = frozenset({"not", "no"})
"""After "or" at the end of a sentence they make a question of it ("pain will be there or not")."""
AFTER_JOIN = WH | AUXILIARY | FURTHER | {"if", "whether"}
INVERSION = 6
"""Words from a question word in which its auxiliary and subject must stand."""
FEWEST_WORDS = 2
MOST_QUESTIONS = 6
"""Parts looked at in one message; more is not one person's question."""
MOST_JOINED = 3
"""Things joined by "and" in one question; more is a list of examples."""

PROPOSED = "mesoguide_questions"
"""Key of a document's user data where its possible questions are kept once they were asked for."""


def propose(doc: Doc) -> list[Span]:
    """Return the spans of ``doc`` that may each be a question, in order.

    One span (the whole text) where nothing suggests a second question.
    """
    starts = [0]
    for token in doc[1:]:
        if _opens_sentence(token) or _opens_question(token, doc[starts[-1] : token.i]):
            starts.append(token.i)
    spans = [doc[a:b] for a, b in zip(starts, [*starts[1:], len(doc)], strict=True)]
    return _merged(doc, spans)[:MOST_QUESTIONS]


def question_spans(doc: Doc) -> list[str]:
    """Return the texts of the proposed questions, without the words that join them.

    Parts that only tell something ("I'm 34.") are left out where others ask.
    """
    return [text for text in map(_trimmed, _asked(doc)) if text]


def joined(doc: Doc) -> dict[str, list[str]]:
    """Return the texts between the words "and", "also" … of each possible question, by its text.

    With them a message still holds no more than ``MOST_QUESTIONS``.

    "size of needle and how painful" holds two questions, "safe for men and women" one; only what is
    understood of each text can tell. Questions without such texts are left out.
    """
    asked = _asked(doc)
    room = MOST_QUESTIONS - len(asked)
    found: dict[str, list[str]] = {}
    for span in asked:
        texts = _between(span)
        if 1 < len(texts) <= room + 1:
            found[_trimmed(span)] = texts
            room -= len(texts) - 1
    return found


def _asked(doc: Doc) -> list[Span]:
    spans: list[Span] = doc._.questions
    return [span for span in spans if _asking(span) or _listed(span) or _numbered(span)] or spans


def _between(span: Span) -> list[str]:
    items = _items(span)
    if items:
        return items
    doc, starts = span.doc, [span.start]
    for token in doc[span.start + 1 : span.end]:
        opens = token.nbor(-1).lower_ in ADDS and token.lower_ not in JOINS and not token.is_punct
        opens = opens or _again(token, doc[starts[-1] : token.i]) or _or_else(token)
        if opens and min(map(_words, (doc[starts[-1] : token.i], doc[token.i : span.end]))) >= FEWEST_WORDS:
            starts.append(token.i)
        if len(starts) > MOST_JOINED:
            return []
    spans = [doc[a:b] for a, b in zip(starts, [*starts[1:], span.end], strict=True)]
    return [text for text in map(_trimmed, spans) if text]


def _items(span: Span) -> list[str]:
    """The items of a bare list; empty where ``span`` is none."""
    start = _after_announcement(span)
    end = next((token.i for token in span.doc[start : span.end] if token.lower_ == ACCORDING), span.end)
    cuts = [token.i + 1 for token in span.doc[start:end] if token.lower_ in SEPARATES or _bullet(token)]
    items = [span.doc[a:b] for a, b in pairwise([start, *cuts, end])]
    items = [item for item in items if _words(item)]
    if not 1 < len(items) <= MOST_QUESTIONS or max(map(_words, items)) > MOST_IN_ITEM:
        return []
    return [text for text in map(_trimmed, items) if text]


def _after_announcement(span: Span) -> int:
    """Where a bare list begins: after the colon, or the "about", of the few words that announce it."""
    for token in span[: 2 * MOST_BEFORE_COLON]:
        before = span.doc[span.start : token.i]
        if token.text == ":" and _words(before) <= MOST_BEFORE_COLON:
            return int(token.i + 1)
        if token.lower_ in ABOUT and any(word.lower_ in TELLS for word in before):
            return int(token.i + 1)
    return int(span.start)


def _bullet(token: Token) -> bool:
    """Whether ``token`` stands before an item of a list, and not inside a word or a range."""
    if token.text not in BULLETS or token.i + 1 == len(token.doc):
        return False
    return bool(token.whitespace_ and (token.i == 0 or token.nbor(-1).whitespace_ or token.nbor(-1).is_space))


def _again(token: Token, current: Span) -> bool:
    """Whether ``token`` opens what ``current`` opened with ("any risks any studies", "how safe how much")."""
    first = next((word for word in current if word.lower_ not in JOINS and not word.is_punct), None)
    return first is not None and bool(token.lower_ in WH | {"any"} and token.lower_ == first.lower_)


def _or_else(token: Token) -> bool:
    """Whether "or" joins something else that is to be told ("what they inject or whether it lasts")."""
    return bool(token.nbor(-1).lower_ == "or" and token.lower_ == "whether")


def _trimmed(span: Span) -> str:
    words = list(span)
    while words and (
        words[0].lower_ in JOINS or words[0].is_punct or words[0].is_space or _numbers(words[0])
    ):
        words.pop(0)
    while words and (
        words[-1].lower_ in JOINS | SEPARATES
        or words[-1].text in BULLETS
        or words[-1].is_space
        or _numbers(words[-1])
    ):
        words.pop()
    return str(span.doc[words[0].i : words[-1].i + 1].text) if words else ""


def _asking(span: Span) -> bool:
    """Whether ``span`` asks something: "am I …" does, "I am …" does not."""
    return any(token.text == "?" or _asks(token, span.start) for token in span) or _or_not(span)


def _or_not(span: Span) -> bool:
    words = [token.lower_ for token in span if token.is_alpha]
    return len(words) > FEWEST_WORDS and words[-2] == "or" and words[-1] in OR_NOT


def _listed(span: Span) -> bool:
    """Whether ``span`` is a further thing in a list of what is asked about ("…, any side effects")."""
    return span.start > 0 and span[0].lower_ in LISTED | FURTHER and span[0].nbor(-1).lower_ in JOINS


def _numbered(span: Span) -> bool:
    """Whether a number stands before ``span`` ("2) price")."""
    return span.start > 0 and _numbers(span[0].nbor(-1))


def _asks(token: Token, start: int) -> bool:
    if token.lower_ in WH | CUES:
        return not (token.lower_ in WH | KNOWN and _known(token))
    if token.lower_ not in AUXILIARY:
        return False
    opens = token.i == start or token.nbor(-1).lower_ in JOINS or token.nbor(-1).is_punct
    return bool(opens or (token.i + 1 < len(token.doc) and token.nbor(1).lower_ in PRONOUNS))


def _known(token: Token) -> bool:
    """Whether ``token`` is in what the writer knows already ("I understand roughly what it is")."""
    words = [word.lower_ for word in token.doc[max(0, token.i - REACH) : token.i + 1]]
    ends = [place for place, word in enumerate(words) if word in ENDS]
    words = words[ends[-1] + 1 :] if ends else words
    for place, word in enumerate(words):
        if word in {"i", "we"}:
            return not KNOWN.isdisjoint(words[place:]) and NOT_KNOWN.isdisjoint(words[place:])
    return False


def _numbers(token: Token) -> bool:
    """Whether ``token`` is part of the "2)", "2." or "(b)" before an item of a list."""
    if token.text in (")", "."):
        return token.i > 0 and _number(token.nbor(-1), token.text)
    after = token.doc[token.i + 1 : token.i + 3]
    if token.text == "(":
        return len(after) == 2 and _number(after[0], ")") and after[1].text == ")"
    return len(after) > 0 and after[0].text in (")", ".") and _number(token, after[0].text)


def _number(token: Token, mark: str) -> bool:
    """Whether ``token``, which ``mark`` follows, counts: "2. 5" is no list unless a "1." stands before it."""
    if mark == ")":
        return bool(token.is_digit or (len(token) == 1 and token.is_alpha))
    before = (other for other in token.doc[: token.i] if other.nbor(1).text == mark)
    return bool(token.is_digit and (token.text == "1" or any(other.is_digit for other in before)))


def _opens_sentence(token: Token) -> bool:
    before = token.nbor(-1)
    ended = before.text in ENDS or (before.is_space and "\n" in before.text)
    ended = ended or (before.text == ")" and _numbers(before))
    return ended and token.text not in ENDS and not token.is_punct


def _opens_question(token: Token, current: Span) -> bool:
    """Whether a new question opens inside a sentence that already holds one."""
    if token.lower_ not in AFTER_JOIN | LISTED or _words(current) < FEWEST_WORDS or _goes_on(token):
        return False
    if not _asking(current):
        return False
    before = token.nbor(-1)
    if token.lower_ in LISTED:
        return before.lower_ in JOINS - {"or", "but"} and any(word.lower_ in CUES for word in current)
    if before.lower_ in BETWEEN:
        # "is it this or do they …" is one question, "… or how long" is two
        return before.lower_ != "or" or token.lower_ in WH
    # "does it hurt how long does it take": no mark at all, but a second question after a
    # whole one ("how long should I" is one: its auxiliary is still to come)
    whole = any(word.lower_ in AUXILIARY | CONTRACTED for word in current)
    return whole and token.lower_ in WH | AUXILIARY and _inverted(token)


def _goes_on(token: Token) -> bool:
    """Whether an auxiliary belongs to the words before it ("a doctor that does", "who shouldn't have")."""
    if token.lower_ not in AUXILIARY:
        return False
    before = token.nbor(-1).lower_
    if before in RELATIVE | NEGATED | AUXILIARY:
        return True
    earlier = token.nbor(-2).lower_ if token.i > 1 else ""
    # "could one have it", "do they do that", but not "how much is it does it hurt"
    held = before in SUBJECT - {"it"} and (earlier in AUXILIARY or token.lower_ in HAVING)
    return held or (before in PRONOUNS and earlier == "that")


def _inverted(token: Token) -> bool:
    """Whether a question with its auxiliary before its subject opens at ``token``."""
    if token.lower_ in CONTRACTED:
        return True
    ahead = [word.lower_ for word in token.doc[token.i : token.i + INVERSION]]
    pairs = list(pairwise(ahead))
    if token.lower_ in AUXILIARY:
        pairs = pairs[:1]
    return any(first in AUXILIARY and second in SUBJECT for first, second in pairs)


def _words(span: Span) -> int:
    return sum(1 for token in span if token.is_alpha and token.lower_ not in JOINS)


def _merged(doc: Doc, spans: list[Span]) -> list[Span]:
    """Join what is too short to be a question to the span before it.

    A single word is a question where marks stand around it ("Pain? Price?").
    """
    kept: list[Span] = []

    def too_short(span: Span) -> bool:
        marked = span[-1].text in ENDS or span.end == len(doc) or _numbers(span[-1])
        return _words(span) < (1 if marked else FEWEST_WORDS) or _ones(span)

    for before, span in zip([None, *spans], spans, strict=False):
        supposed = before is not None and before.start == kept[-1].start and _supposed(before)
        if kept and (too_short(span) or too_short(kept[-1]) or supposed):
            kept[-1] = doc[kept[-1].start : span.end]
        else:
            kept.append(span)
    return kept


def _ones(span: Span) -> bool:
    """Whether ``span`` is about what was named before it ("bad ones?")."""
    return _words(span) <= MOST_ONES and any(token.lower_ == "ones" for token in span)


def _supposed(span: Span) -> bool:
    """Whether ``span`` only says on what condition the next question of its sentence is asked."""
    first = next((word for word in span if word.lower_ not in JOINS), span[0])
    told = any(word.lower_ in CUES | WH for word in span.doc[: span.start])
    asks = any(a.lower_ in AUXILIARY and b.lower_ in SUBJECT for a, b in pairwise(span))
    return first.lower_ in SUPPOSED and not told and not asks and span[-1].text not in ENDS


def _proposed(doc: Doc) -> list[Span]:
    """Return ``doc._.questions``; a training never asks for them."""
    if PROPOSED not in doc.user_data:
        doc.user_data[PROPOSED] = propose(doc)
    spans: list[Span] = doc.user_data[PROPOSED]
    return spans


if not Doc.has_extension("questions"):
    Doc.set_extension("questions", getter=_proposed)
