"""Turn a message that only makes sense after another one into a topic.

"And PRP?", "what about women?", "and after that?": what is named decides, together with
what the last answer was about.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from mesoguide.safety import DEFERRALS
from mesoguide.types import Knowledge, Memory, Question, Topic

NAMED: dict[str, str] = {
    "minoxidil": "compare_minoxidil",
    "finasteride": "compare_finasteride",
    "prp": "compare_prp",
    "transplant": "compare_transplant",
    "tablets": "compare_treatments",
    "shampoo": "compare_treatments",
    "women": "suitability",
    "men": "suitability",
    "ages": "suitability",
    "clotting": "contraindications",
    "infection": "contraindications",
}
"""Term → the topic that a bare mention of it asks about."""

OPENING = re.compile(
    r"^\W*(?:(?:and|but|ok(?:ay)?|so|or|also)\W+)*"
    r"(?:(?:what|how|wat|hw)\s*(?:'s|s|is)?\s*(?:about|abt|bout|of|with)|(?:and|or|vs|versus|same (?:for|with)|for|compared (?:to|with)))\b",
    re.IGNORECASE,
)
LEANING = re.compile(
    r"^\W*(?:(?:ok|okay|right|oh|hmm|crikey|ugh|yeah|well|cool|thanks)\W+)*(?:and|but|so|even|not|no|only|just"
    r"|or|then|why|how come|what if|that'?s?|those|these|does (?:that|this)|is (?:that|this|it)|do (?:they|those|these)"
    r"|would|could|who then|which|such as|meaning|as in|like what|up|by|per|at|for|with|without|on|roughly|either"
    r"|both|at least)\b",
    re.IGNORECASE,
)
"""How a message begins that goes on where the last answer ended."""
POINTING = re.compile(
    r"\b(?:that|those|these|they|them|this|ones?|it|then|too|either|same|else|there|so"
    r"|former|latter|op|pill|tablets?|foam|lotion)\b",
    re.IGNORECASE,
)
"""Words that point back."""
CORRECTS = re.compile(
    r"^\W*(?:(?:no|nope|sorry|oops|wait|not that)\W+)*(?:what )?i (?:really |actually )?meant?\b",
    re.IGNORECASE,
)
"""How a message begins that says what was meant instead of what was understood."""
ONES, FEW = re.compile(r"\bones\b", re.IGNORECASE), 4
"""A word for what was named before, and the words of a message that is surely about that ("big ones?")."""
BACK = re.compile(r"\b(?:that|those|these|they|them|this)\b", re.IGNORECASE)
"""Of these the words that point to what was told, and not to the treatment as "it" may."""
OF_ALL = re.compile(
    r"\b(?:what|which|where|how|list|show|give|points?|topics?|things?|all|any|anything|everything|else|other|main|ever)\b",
    re.IGNORECASE,
)
"""Words that ask for all on which the documents agree or not, and not whether they do on what was told last."""
IF_OWN = re.compile(r"\bif (?:i|we|he|she)\b", re.IGNORECASE)
"""What somebody might do about their own case ("and if I pause it?")."""
HARMLESS = frozenset({"safety", "side_effects", "infection_risk"})
"""Topics whose answer soothes: wrong for somebody who has just told of a symptom."""
OWN_CASE = HARMLESS | {"suitability", "contraindications", "combination"}
"""Topics whose answer reads as a verdict for somebody who has just told of an own case."""
_POLITE = r"(?:\W+(?:one|ones|please|pls|plz|thanks|ta|then|of them|are fine))*\W*$"
_AT_FIRST = r"^\W*(?:(?:the|option|number|no|just|um+|er+|ok|i mean|i meant)\W+)*"
PICKS: Sequence[tuple[re.Pattern[str], slice]] = tuple(
    (re.compile(f"{_AT_FIRST}(?:{words}){_POLITE}", re.IGNORECASE), which)
    for words, which in (
        (r"first|1st|1|one|former|a", slice(0, 1)),
        (r"second|2nd|2|two|latter|last|other|b", slice(1, 2)),
        (r"both|all|either|any|1\W*(?:and|n|&|,)\W*2|whichever|everything", slice(0, 2)),
    )
)
"""Answers to "did you want to know about … or about …?" and which of the topics they pick."""
_AGAIN = r"^\W*(?:(?:and|ok|so|tell me|more|about|on|to|what|repeat|explain|again|go|back|the|question|number|answer|part)\W+)*"
_THING = r"(?:\W+(?:one|thing|question|part|point|answer|again|please|pls|then|more))*\W*$"
NUMBERED: Sequence[tuple[re.Pattern[str], int]] = tuple(
    (re.compile(f"{_AGAIN}(?:{words}){_THING}", re.IGNORECASE), place)
    for place, words in (
        (0, "first|1st|former"), (1, "second|2nd"), (2, "third|3rd"), (3, "fourth|4th"), (4, "fifth|5th"), (-1, "last|latter"),
    )
)  # fmt: skip
"""How a message names one of several topics that were just told, and the place of that topic."""
PICKED = 2.0
"""How many times as likely as the other a topic must be, where an answer of few words picks by what it says."""
TIMED = frozenset({"pain", "side_effects", "infection_risk", "downtime"})
"""Topics about what passes: asked how long "they" last, the documents' answer is here."""
PASSES = frozenset("away gone off down settle clear pass passes over fade heal wear wears".split())
"""Words for what goes by itself."""
TAKES = frozenset({"take", "takes"})
"""Alone they ask for the length of something else ("how long does it take?")."""
TIMES = PASSES | frozenset(
    "when long last lasts forever hours days weeks months years soon quick quickly fast".split()
)
"""Words that ask for a time."""
COMPARES = re.compile(
    r"\b(?:which|than|less|more|better|worse|fewer|cheaper|dearer|quicker|faster|slower|safer|stronger|easier|gentler"
    r"|longer|harder)\b",
    re.IGNORECASE,
)
"""Words that go on with a comparison ("and which is cheaper?")."""
OF_TIME = TIMES | frozenset(
    "how for much many until til till does do did will would can could is are it that this they those these"
    " them be stay stays go goes hang around to hour day week month year minutes or and but so ok"
    " okay then though tho lol pls please about like roughly usually normally typically generally approx a an the few on in of by its"
    " their own itself themselves alone up eventually have to all total most at".split()
)
"""Words of a question about a time that does not say of what."""
MOST_LEANING = 10
"""Words above which a message is not looked at for leaning on the last answer."""
STAYS, POINTS = 9.0, 0.25
"""How much the last topic's probability counts, and what each sign of leaning adds to it."""
UNANSWERED = 0.6
"""Probability that the documents are silent, from which a message goes nowhere back."""
NEXT = 0.5
"""Probability from which the topic that naturally comes next is what is asked."""
SAYS = 0.3
"""Cosine from which a comparison's own statement answers what is asked after it ("and cheaper?")."""
CLEAR, PLAIN_TALK = 0.5, 0.6
"""Probability from which a follow-up intent, or small talk, is what it seems to be."""
TALK = frozenset(
    "greet goodbye thanks affirm deny bot_challenge capabilities chitchat frustration privacy human clinic"
    " out_of_scope".split()
)
SILENT = "silent_"
"""Intents with this prefix are questions that the documents do not answer."""
COMPARISON = "compare_"
"""Intents with this prefix ask how mesotherapy compares with another treatment."""
OF_OTHERS_TOO = frozenset({"combination", "cost"})
"""Topics of no comparison whose statements speak of other treatments too."""
ANY_COMPARISON = "compare_treatments"
"""The one that names none of them, or several."""
MOST_COMPARED = 2
"""Treatments told about one by one; a question that names more is about how it compares at all."""
OF_DOCUMENT = "ask_document"
"""The intent of a question for what one of the documents says on the last answer's topic."""
CLARIFY = "clarify"
"""The intent of a question that may be about either of two topics."""
OWN_NAME = re.compile(r"\bm[ei]so", re.IGNORECASE)
"""How the treatment's own name begins."""
LONGEST = 7
"""Words above which a message says itself what it asks."""


def named_topic(question: Question) -> str | None:
    """Return the topic of a short follow-up such as "and PRP?", or None if it is none."""
    words = question.text.split()
    if len(words) > LONGEST or not OPENING.match(question.text):
        return None
    if question.sure and question.intent.startswith((SILENT, COMPARISON)):
        return None
    return next((NAMED[name] for name in question.names if name in NAMED), None)


def same_topic(question: Question, memory: Memory, knowledge: Knowledge) -> str | None:
    """Return the last answer's topic where a short message leans on it ("even with the cream?").

    Such a message says little by itself, and the classifier takes it for whatever shares its words.
    The last topic's own probability counts more than any other's, the more so the more the
    message's words point back. The weights were chosen on conversations that are in no test.
    """
    words = question.text.split()
    if len(memory.topics) != 1 or len(words) > MOST_LEANING or memory.topics[0] == question.intent:
        return None
    topic, weights = memory.topics[0], dict(question.ranking)
    if _names_another(question, topic) or CORRECTS.match(question.text):
        return None
    if (topic in TIMED and _of_time(question.text)) or (ONES.search(question.text) and len(words) <= FEW):
        return topic
    if sum(weight for name, weight in weights.items() if name.startswith(SILENT)) > UNANSWERED:
        return None
    pointing = bool(LEANING.match(question.text)) + bool(POINTING.search(question.text))
    if topic.startswith(COMPARISON) and (
        COMPARES.search(question.text) or (pointing and _says(knowledge.topics[topic], question))
    ):
        return topic
    others = {name: weight for name, weight in weights.items() if name != topic}
    best, likeliest = max(((weight, name) for name, weight in others.items()), default=(0.0, ""))
    if best > (CLEAR if likeliest.startswith("ask_") else PLAIN_TALK if likeliest in TALK else 1.0):
        return None
    if likeliest == knowledge.topics[topic].then and best >= NEXT:
        return None
    if pointing and (not question.sure or question.intent == CLARIFY):
        return topic
    return topic if STAYS * weights.get(topic, 0.0) + POINTS * pointing > best else None


def _names_another(question: Question, topic: str) -> bool:
    """Whether ``question`` names another treatment than ``topic`` compares with, and asks for that comparison."""
    asked = {NAMED.get(name) for name in question.names} - {topic}
    return topic.startswith(COMPARISON) and question.sure and question.intent in asked


def _says(topic: Topic, question: Question) -> bool:
    """Whether one of the topic's statements, among the nearest, answers ``question``."""
    return any(name in topic.statements and cosine >= SAYS for name, cosine in question.near)


def _of_time(text: str) -> bool:
    words = set(re.findall(r"[a-z]+", text.lower().replace("'", "")))
    if not PASSES.isdisjoint(words):
        words -= TAKES
    return words <= OF_TIME and not TIMES.isdisjoint(words)


def picked(question: Question, memory: Memory, knowledge: Knowledge) -> Sequence[str]:
    """Return the topics that a short answer to the bot's own question picks, of those it asked about.

    "The first one" picks one, "both" and a plain "yes" two, and a word such as "session" the one whose
    name it is in, or that it speaks for. None where the message says something else. Where the bot asked
    nothing, "the second one" is the second of the topics that its last reply told.
    """
    if not memory.asked or len(question.text.split()) > LONGEST:
        return _numbered(question, memory)
    for pattern, which in PICKS:
        if pattern.match(question.text):
            return memory.asked[which]
    if question.intent == "affirm":
        return memory.asked
    if question.sure and question.intent != CLARIFY:
        return ()
    words = set(re.findall(r"\w{4,}", question.text.lower()))
    named = [name for name in memory.asked if words & set(knowledge.topics[name].label.lower().split())]
    if len(named) == 1:
        return named
    weights = dict(question.ranking)
    best, *others = sorted(memory.asked, key=lambda name: -weights.get(name, 0.0))
    other = max((weights.get(name, 0.0) for name in others), default=0.0)
    return (best,) if weights.get(best, 0.0) > PICKED * other else ()


def _numbered(question: Question, memory: Memory) -> Sequence[str]:
    """The topic of the last reply that ``question`` names by its place, where the reply told several."""
    if len(memory.topics) < 2:
        return ()
    places = [place for pattern, place in NUMBERED if pattern.match(question.text)]
    return [memory.topics[place] for place in places if place < len(memory.topics)]


def other_treatment(question: Question, memory: Memory) -> bool:
    """Whether a short question after a comparison may be about the other treatment.

    "Does that have side effects?" after an answer about minoxidil: what the documents say is about
    mesotherapy, and the reply must not look as if it were about minoxidil.
    """
    if not memory.topics or not all(name.startswith(COMPARISON) for name in memory.topics):
        return False
    short = len(question.text.split()) <= MOST_LEANING
    of_both = question.intent.startswith(COMPARISON) or question.intent in OF_OTHERS_TOO
    return short and not of_both and not OWN_NAME.search(question.text)


def goes_back(question: Question, tier: str) -> bool:
    """Whether a short message is still about what got the fixed text of ``tier``.

    "Is that a normal side effect?" after swelling lips, or "is it safe?" after warfarin, may not be
    answered from the documents as if nothing had been told.
    """
    text, intent = question.text, question.intent
    if len(text.split()) > MOST_LEANING or intent in TALK:
        return False
    leans = bool(LEANING.match(text) or POINTING.search(text))
    if tier in DEFERRALS:
        return leans and (intent in OWN_CASE or IF_OWN.search(text) is not None)
    return (leans and (intent in HARMLESS or _of_time(text))) or bool(BACK.search(text))


def about(question: Question, topic: str, knowledge: Knowledge) -> Question:
    """Return ``question`` as one about ``topic``, with the nearest of that topic's statements."""
    own = knowledge.topics[topic].statements
    return replace(question, intent=topic, focus=tuple(pair for pair in question.near if pair[0] in own))


def compared(question: Question) -> list[str]:
    """Return the topics of a comparison that names several treatments ("PRP or minoxidil?").

    "Tablets such as finasteride" are finasteride; four names in one question are no four questions.
    """
    named = (NAMED.get(name, "") for name in question.names)
    topics = dict.fromkeys(topic for topic in (question.intent, *named) if topic.startswith(COMPARISON))
    treatments = [topic for topic in topics if topic != ANY_COMPARISON]
    if question.intent != ANY_COMPARISON:
        return treatments
    return [ANY_COMPARISON] if len(treatments) > MOST_COMPARED else list(topics)


def of_last(question: Question) -> bool:
    """Whether ``question`` asks only of the last answer if the documents agree ("do they differ there?")."""
    pointing = re.search(r"\b(?:that|this|it)\b", question.text, re.IGNORECASE) is not None
    short = len(question.text.split()) <= LONGEST and not OF_ALL.search(question.text)
    return short or (pointing and not re.search(r"\belse\b", question.text, re.IGNORECASE))


def next_topic(memory: Memory, knowledge: Knowledge) -> str | None:
    """Return the topic that comes after the last one told, for "and after that?"."""
    for topic in reversed(memory.topics):
        if topic in knowledge.topics and knowledge.topics[topic].then:
            return knowledge.topics[topic].then
    return None
