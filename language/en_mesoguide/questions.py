"""Where one question may end and the next begin.

The component only *proposes*: it sets ``doc._.questions`` to the spans of text that could
each be a question of its own. Whether they are is decided later, by what is understood of
each (``mesoguide.components.question_reader``).
"""

from __future__ import annotations

from itertools import pairwise

from spacy.language import Language
from spacy.tokens import Doc, Span, Token

__all__ = ["propose", "question_spans"]

ENDS = frozenset("?!.;…\n") | {"...", "??", "???", "?!", "!?", "!!", "..", "–", "—"}
JOINS = frozenset({"and", "also", "plus", "but", "or", "then", "btw", "so", "&", "+", ",", "n"})
BETWEEN = JOINS | {"if", "just", "roughly"}
WH = frozenset("what whats what's how hows why when where who whos which".split())
AUXILIARY = frozenset(
    "am is are do does did can could will would should shall has have was were may might must"
    " isnt doesnt dont cant wont isn doesn don can won".split()
)
CONTRACTED = frozenset({"whats", "hows", "whos", "'s", "'re"})
SUBJECT = frozenset("i it you they we he she there the this that these my your people one".split())
CUES = frozenset("wondering wonder know tell curious about interested whether if asking question".split())
"""Words that make a part a question without a question word."""
AFTER_JOIN = WH | AUXILIARY | {"about", "if", "whether", "any"}
INVERSION = 6
"""Words from a question word in which its auxiliary and subject must stand."""
FEWEST_WORDS = 2
MOST_QUESTIONS = 5
"""Parts looked at in one message; more is not one person's question."""

if not Doc.has_extension("questions"):
    Doc.set_extension("questions", default=[])


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
    spans = doc._.questions
    asking = [span for span in spans if any(_asks(token) or token.text == "?" for token in span)]
    texts = (_trimmed(span) for span in asking or spans)
    return [text for text in texts if text]


def _trimmed(span: Span) -> str:
    words = list(span)
    while words and (words[0].lower_ in JOINS or words[0].is_punct or words[0].is_space):
        words.pop(0)
    while words and (words[-1].lower_ in JOINS or words[-1].is_space):
        words.pop()
    return str(span.doc[words[0].i : words[-1].i + 1].text) if words else ""


def _asks(token: Token) -> bool:
    return token.lower_ in WH | AUXILIARY | CUES


def _opens_sentence(token: Token) -> bool:
    before = token.nbor(-1)
    ended = before.text in ENDS or (before.is_space and "\n" in before.text)
    return ended and token.text not in ENDS and not token.is_punct


def _opens_question(token: Token, current: Span) -> bool:
    """Whether a new question opens inside a sentence that already holds one."""
    if token.lower_ not in AFTER_JOIN or _words(current) < FEWEST_WORDS:
        return False
    if not any(_asks(word) for word in current):
        return False
    before = token.nbor(-1)
    if before.lower_ in BETWEEN:
        # "is it this or do they …" is one question, "… or how long" is two
        return before.lower_ != "or" or token.lower_ in WH
    # "does it hurt how long does it take": no mark at all, but a second question after a
    # whole one ("how long should I" is one: its auxiliary is still to come)
    whole = any(word.lower_ in AUXILIARY | CONTRACTED for word in current)
    return whole and _inverted(token)


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
    """Join what is too short to be a question to the span before it."""
    kept: list[Span] = []
    for span in spans:
        if kept and (_words(span) < FEWEST_WORDS or _words(kept[-1]) < FEWEST_WORDS):
            kept[-1] = doc[kept[-1].start : span.end]
        else:
            kept.append(span)
    return kept


@Language.component("mesoguide_questions")
def questions(doc: Doc) -> Doc:
    """Set ``doc._.questions`` (spaCy's component)."""
    doc._.questions = propose(doc)
    return doc
