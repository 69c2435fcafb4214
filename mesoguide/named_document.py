"""Find out which one of the documents a message wants to hear, and what it asks of it.

"What does the review say about pain?" is a question of its own that is put to one of them,
"and the guide?" goes on with what was told before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

from mesoguide.follow_up import COMPARISON
from mesoguide.types import Knowledge, Memory

MOST_WORDS = 10
"""Words above which a message is no short question for what the other document says."""
OTHER_ONE = "other"
"""The word for the document that was not told last."""
PLACES = {"first": 0, "1st": 0, "one": 0, "1": 0, "second": 1, "2nd": 1, "two": 1, "2": 1}
"""How a document is called by its place, in the order in which the bot lists them."""
ARTICLE = frozenset("article source document page website text".split())
"""What a document may be called beside its own name."""
SAYS_SO = frozenset({"say", "says", "said"})
"""What shows that "the other one" is a document."""
ABOUT_A_DOCUMENT = frozenset(
    "and but ok okay so also now then what whats how hows about does do is the say says said tell tells think thinks write"
    " writes according to in from of me on it that this there too as well one please pls agree agrees with mention mentions"
    " anything regarding here for a add adds else more only just same i no wait sorry mean meant actually rather instead"
    " differ differs different see look thing have has question want wanted oops wrong reckon reckons version".split()
)
"""Words beside the name of a document in a question for what it says, and nothing else."""
_THE, _NAME = r"(?:the|your|that|this|ur)\W{1,3}", r"([a-z]+)"
_SAYS = (
    r"(?:say|said|tell|told|mention|talk|speak|think|write|wrote|writ|claim|cover|give|gave|giv|stat|recommend|suggest|list"
    r"|describ|note|report|explain|discuss|have|has|put|go|promis|advis|argu)(?:s|es|ed|e|ing|ting)?\b"
)
_SO = r"\W{1,3}(?:(?:really|actually|even|ever|is|was|has|have|had|got|does|did|to)\W{1,3}){0,3}"
_ON = r"(?:about|on|abt|regarding|concerning|re)\b"
_ASKS = r"\b(?:whats?|wats?|does|do|did|has|have|how|which|where|when|whether|if|is|are|anything|something|could|can|tell|pls|please)\b"
_CALLED = (
    rf"\b(?:(?:according|acc\.?)\W{{1,3}}to\W{{1,3}}(?:{_THE})?|(?:in|from|per|by)\W{{1,3}}{_THE}){_NAME}\b"
)
_OPENS = rf"^\W*(?:(?:and|also|or|so|now|ok|hi|hello|well|pls|please)\W+){{0,2}}(?:{_THE})?{_NAME}"
_VIEW = r"(?:opinion|view|take|position|words?)\W+"
_HEADS = (
    rf"{_OPENS}(?:'s)?\W{{1,3}}(?:{_VIEW})?{_ON}|{_OPENS}\W{{0,2}}[:–—-]\W"
    rf"|^\W*what(?:\W?s|\W+is)\W+{_THE}{_NAME}(?:'s)?\W{{1,3}}{_VIEW}{_ON}"
)
PUT_TO = re.compile(
    rf"{_CALLED}|{_HEADS}"
    rf"|{_ASKS}[^.?!]{{0,80}}?\b(?:the|your|ur)\W{{1,3}}{_NAME}{_SO}{_SAYS}"
    rf"|\b{_THE}{_NAME}(?:\W?s)?\b(?!{_SO}{_SAYS})(?!\W{{1,3}}(?:of|for|to|by|you|i|we|my|me|dog|book|costs?)\b)"
    rf"|\b{_NAME}\W{{1,3}}(?:only|alone)\b|^\W*{_NAME}\W{{1,3}}{_SAYS}"
    rf"|^\W*(?:(?:so|and|but|well)\W+)?{_THE}{_NAME}{_SO}{_SAYS}"
    r"(?![^.?!]*[,;]\W*(?:is|are|does|do|what|how|can|will|should)\b)",
    re.IGNORECASE,
)
"""How a question names who is to answer it ("what does the review say about …", "according to the guide", "guide: …")."""
FRAMES = re.compile(
    rf"{_CALLED}|{_HEADS}"
    r"|(?:(?:could|can|would|will)\W+you\W+|please\W+|pls\W+|(?:i\W?d|i\W+would)\W+like\W+to\W+know\W+|i\W+want\W+to\W+know\W+){0,2}"
    r"(?:tell\W+me\W+)?"
    r"\b(?:what|wat|does|do|did|has|is)\W+(?:(?:else|all|exactly|does|do|did|has|have|is|it|that)\W+){0,2}"
    rf"(?:the|your|ur)\W{{1,3}}{_NAME}{_SO}{_SAYS}(?:\W+to\W+say)?(?:\W+(?:anything|something|much|more))?\W+{_ON}",
    re.IGNORECASE,
)
"""The words of such a question that say nothing of what it is about."""
BY_PLACE = re.compile(
    r"\b(first|1st|second|2nd)\W{1,3}(?:(?:one\W{1,3})?of\W{1,3}the\W{1,3})?(?:article|source|document|page|text)s?\b"
    r"|\b(?:article|source|document)\W{1,3}(?:(?:no|nr|number)\W{1,3})?(one|two|1|2)\b",
    re.IGNORECASE,
)
"""How a document is named by its place ("the second article", "article 2")."""
NOT_THIS = re.compile(
    r"(?:\b(?:not|instead\W+of|rather\W+than|other\W+than|without|forget)|n'?t\W+want)\W{1,3}(?:the\W{1,3})?([a-z]+)\b",
    re.IGNORECASE,
)
"""How a document is named that is not meant ("not the guide, the review")."""
OF_ITSELF = re.compile(r"\bwhat(?:\W?s|\W+is)\b.*\babout\W*$", re.IGNORECASE)
"""How a message asks what a document is about, and not what it says about the last answer's topic."""
LONG, SAME_LONG_WORD = 6, 0.9
"""Letters from which a word beside a document's name may have a slip in it, and how like it then is ("acording")."""
SAME_WORD = 0.8
"""Likeness (0 to 1, of difflib) from which a word there is a document's name with a slip in it ("the reveiw")."""


def asked_document(text: str, memory: Memory, knowledge: Knowledge) -> str:
    """Return the document that a short follow-up asks about ("and the guide?", "what does the other one say?"), or ""."""
    words = re.findall(r"[a-z]+", _named(text, knowledge).lower().replace("'s", ""))
    if len(words) > MOST_WORDS or OF_ITSELF.search(text):
        return ""
    names = _short_names(knowledge)
    rest = [word for word in words if not _is_about_a_document(word)]
    named = {names.get(word, "") for word in rest}
    if len(named) == 1 and "" not in named:
        return named.pop()
    told = [knowledge.statements[name].document for name in memory.told]
    treatments = any(name.startswith(COMPARISON) for name in memory.topics)
    says_so = not (ARTICLE | SAYS_SO).isdisjoint(words) or (len(set(told)) == 1 and not treatments)
    if rest != [OTHER_ONE] or not says_so:
        return ""
    return next((name for name in knowledge.documents if name not in told[-1:]), "")


def _is_about_a_document(word: str) -> bool:
    known = ABOUT_A_DOCUMENT | ARTICLE
    return word in known or (len(word) >= LONG and bool(get_close_matches(word, known, 1, SAME_LONG_WORD)))


def put_to(text: str, knowledge: Knowledge) -> tuple[str, str]:
    """Return the one document that a question is put to, and what is asked of it: "pain" of "what does the review say about pain".

    Without such a document the first is "", and the second ``text``; so it is where nothing else is asked ("and the guide?").
    """
    document = named_document(text, knowledge)
    if not document:
        return "", text

    def cut(found: re.Match[str]) -> str:
        return " " if {document} & _meant(filter(None, found.groups()), knowledge) else found[0]

    rest = re.sub(" {2,}", " ", FRAMES.sub(cut, _named(text, knowledge))).strip(" ,.:;–—-")
    words = re.findall(r"[a-z]+", rest.lower())
    return document, rest if not ABOUT_A_DOCUMENT.issuperset(words) else text


def named_document(text: str, knowledge: Knowledge) -> str:
    """Return the one document that a question of its own is put to ("what does the review say about pain"), or ""."""
    text = _named(text, knowledge)
    said = (word for found in PUT_TO.finditer(text) for word in found.groups() if word)
    asked = _meant(said, knowledge)
    return asked.pop() if len(_mentioned(text, knowledge) | asked) == len(asked) == 1 else ""


def only_document(text: str, knowledge: Knowledge) -> str:
    """Return the document that ``text`` names in whatever way, where it names one alone, or ""."""
    mentioned = _mentioned(_named(text, knowledge), knowledge)
    return mentioned.pop() if len(mentioned) == 1 else ""


def _meant(said: Iterable[str], knowledge: Knowledge) -> set[str]:
    """The documents whose names, with a slip or without, are among the words ``said``; "the reviews" are others."""
    names = _short_names(knowledge)
    single = (
        word.lower() for word in said if word.lower() in names or word.lower().removesuffix("s") not in names
    )
    return {names[near] for word in single for near in get_close_matches(word, names, 1, SAME_WORD)}


def _mentioned(text: str, knowledge: Knowledge) -> set[str]:
    names = _short_names(knowledge)
    return {names[word] for word in re.findall(r"[a-z]+", text.lower()) if word in names}


def _named(text: str, knowledge: Knowledge) -> str:
    """``text`` with the name of a document in place of "second article" and the like, and without those not meant."""
    names = [*_short_names(knowledge)]

    def name(found: re.Match[str]) -> str:
        place = PLACES[(found[1] or found[2]).lower()]
        if place >= len(names):
            return found[0]
        return names[place] if found[1] else f"the {names[place]}"

    def meant(found: re.Match[str]) -> str:
        return " " if found[1].lower() in names else found[0]

    return NOT_THIS.sub(meant, BY_PLACE.sub(name, text))


def _short_names(knowledge: Knowledge) -> dict[str, str]:
    """The last word of each document's name ("guide") → its id."""
    return {document.name.lower().split()[-1]: document.id for document in knowledge.documents.values()}
