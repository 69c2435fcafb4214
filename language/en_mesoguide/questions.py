"""Where one question may end and the next begin.

The component only *proposes*: it sets ``doc._.questions`` to the spans of text that could
each be a question of its own. Whether they are is decided later, by what is understood of
each (``mesoguide.components.question_reader``).
"""

from __future__ import annotations

from collections.abc import Iterator

from spacy.language import Language
from spacy.tokens import Doc, Span, Token

__all__ = ["propose", "question_spans"]

ENDS = frozenset("?!.;…\n") | {"...", "??", "???", "?!", "!?", "!!", "..", " - ", "–", "—"}
JOINS = frozenset({"and", "also", "plus", "but", "or", "then", "btw", "so", "&", "+", ","})
ASKS = frozenset(
    "what whats what's how hows why when where who whos which is are am do does did can could will would"
    " should shall has have was were may might must any isnt doesnt dont cant wont".split()
)
WH = frozenset("what whats how hows why when where who whos which".split())
BETWEEN = frozenset({"also", "then", "so", "and", "btw", "but", "plus", "if", "just", "roughly"})
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
    spans = [doc[a:b] for a, b in zip(starts, [*starts[1:], len(doc)])]
    return _merged(doc, spans)[:MOST_QUESTIONS]


def question_spans(doc: Doc) -> Iterator[str]:
    """Return the texts of the proposed questions, without the words that join them."""
    for span in doc._.questions:
        words = list(span)
        while words and (words[0].lower_ in JOINS or words[0].is_punct or words[0].is_space):
            words.pop(0)
        while words and (words[-1].lower_ in JOINS or words[-1].is_space):
            words.pop()
        if words:
            yield doc[words[0].i : words[-1].i + 1].text


def _opens_sentence(token: Token) -> bool:
    before = token.nbor(-1)
    ended = before.text in ENDS or before.is_space and "\n" in before.text
    return ended and token.text not in ENDS and not token.is_punct


def _opens_question(token: Token, current: Span) -> bool:
    """Whether a new question opens inside a sentence that already holds one."""
    if token.lower_ not in ASKS or _words(current) < FEWEST_WORDS:
        return False
    joined = token.nbor(-1)
    at = token.i - 1
    while at > current.start and joined.lower_ in BETWEEN and joined.nbor(-1).lower_ in JOINS:
        at -= 1
        joined = token.doc[at]
    asked_before = any(t.lower_ in ASKS for t in current)
    if joined.lower_ in JOINS:
        return asked_before or joined.lower_ != ","
    # "does it hurt how long does it take": no mark at all, but a second question word
    follows = token.i + 1 < len(token.doc) and token.nbor(1).lower_ in ASKS | {"many", "much", "long", "often", "soon"}
    return asked_before and token.lower_ in WH and follows


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
