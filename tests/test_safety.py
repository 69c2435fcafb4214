"""The safety stop without its model: clauses, decisions, thresholds, patterns, cards, languages."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from mesoguide import safety
from mesoguide.checks import pattern_problems
from mesoguide.cleaning import readable
from mesoguide.errors import DataError
from mesoguide.evaluation_data import read
from mesoguide.failure import failure_reply
from mesoguide.knowledge import filled, load_knowledge
from mesoguide.languages import languages, red_flag
from mesoguide.reply import REMINDERS, error_reply, respond, stop
from mesoguide.safety import (
    DEFERRALS,
    MENTION,
    NONE,
    RED_FLAGS,
    TIERS,
    Labelled,
    Thresholds,
    calibration,
    certain,
    costs,
    decide,
    examples,
    learn,
    learn_threshold,
    matched,
    patterns,
    plain,
    plain_messages,
    readings,
)
from mesoguide.settings import Settings
from mesoguide.types import Memory, Question
from tests.samples import REASSURING

KNOWLEDGE = load_knowledge()
SETTINGS = Settings()
TEXTS = filled(KNOWLEDGE, SETTINGS).notices
CARDS = (*RED_FLAGS, MENTION)
SENT_BY_STOP = (*RED_FLAGS, *DEFERRALS, MENTION, "language")
THRESHOLDS = Thresholds(red_flag=0.3, deferral=0.4, anything=0.5)


def scores(**tiers: float) -> dict[str, float]:
    """Probabilities of a reading; what is not given goes to "none"."""
    return {**dict.fromkeys(TIERS, 0.0), **tiers, NONE: 1 - sum(tiers.values())}


def folder_with(path: Path, name: str, text: str) -> Path:
    (path / name).write_text(text, "utf-8")
    return path


# -- plain messages


@pytest.mark.parametrize(
    "text",
    ["goodbye", "Good bye!", "ok thanks, bye for now", "have a nice day, goodbye", "that’s all for today", "hi there",
     "no more questions for now", "one last thing", "pain", "Pain?", "scarring please", "side-effects", "the risks",
     "Thank you ever so much, you've been most helpful, goodbye for now.", "ok thanks thats all i needed bye", "thanks for your help. bye",
     "im 25 btw", "Sorry, I'm 31 by the way", "just so u know i am 18"],
)  # fmt: skip
def test_courtesies_and_search_words_are_plain(text: str) -> None:
    """A whole message of courtesies, or one search word, needs no fixed text of the stop."""
    assert plain(text)


@pytest.mark.parametrize(
    "text",
    ["goodbye forever", "goodbye everyone", "no more", "i'm done", "that's it, goodbye", "that's everything, goodbye", "that was everything i wanted. goodbye", "thanks for all your kindness", "thank you for your help, it won't be needed", "one last thing i want to die",
     "thanks for everything. goodbye", "goodbye then", "im 17 btw", "im 25 and tired of it all", "my pain", "pain, risks", "pain now", "swelling", "bleeding", "",
     "goodbye " * 20],
)  # fmt: skip
def test_more_than_that_is_not_plain(text: str) -> None:
    """Anything more in the message is left to the stop, as is what cannot wait."""
    assert not plain(text)


def test_no_red_flag_is_plain() -> None:
    """No message that the stop is learnt or calibrated on as a red flag is passed over as plain."""
    known = [*examples(), *((row.text, row.tier) for row in calibration())]

    assert [text for text, tier in known if tier in RED_FLAGS and plain(text)] == []


@pytest.mark.parametrize(
    "text", ["courtesies: [a]\n", "courtesies: a\nsearches: [b]\n", "courtesies: ['(']\nsearches: [b]\n"]
)
def test_wrong_list_of_plain_messages_is_named(text: str, tmp_path: Path) -> None:
    """What is wrong in safety/plain.yml is said with its line."""
    with pytest.raises(DataError, match=r"/plain.yml:\d: "):
        plain_messages(folder_with(tmp_path, "plain.yml", text))


def test_the_check_names_a_wrong_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong in a list of the stop is found by the check, and not by a patient's message."""
    folder_with(tmp_path, "plain.yml", "courtesies: ['(']\nsearches: [b]\n")
    assert list(pattern_problems()) == []

    monkeypatch.setattr(safety, "plain_messages", lambda: plain_messages(tmp_path))
    (problem,) = pattern_problems()
    assert str(problem).startswith(f"{tmp_path.name}/plain.yml:1: error: ")


def test_the_check_names_a_tier_that_cannot_be_certain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a red flag is certain by its words: a personal question in that list is found by the check."""
    folder_with(tmp_path, "certain.yml", "medicines: ['pills']\n")
    monkeypatch.setattr(safety, "certain", lambda: certain(tmp_path))
    (problem,) = pattern_problems()

    assert str(problem).startswith(f"{tmp_path.name}/certain.yml:1: error: 'medicines' is no tier")


# -- readings


def test_a_short_message_is_read_once() -> None:
    """A message of a few sentences is read as a whole, and one sentence of it apart where plain words tell of a red flag."""
    text = "thanks. now my lips are swelling. how much is it?"

    assert readings("thanks. what does it cost?") == ["thanks. what does it cost?"]
    assert readings(text) == [text, "now my lips are swelling."]
    assert readings("my lips are swelling") == ["my lips are swelling"]
    assert readings("thanks. no swollen lips, how much is it?") == [
        "thanks. no swollen lips, how much is it?"
    ]
    assert readings("") == [""]


@pytest.mark.parametrize(
    "text",
    [
        "my dad just had a stroke and how many sessions do I need",
        "my dad just had a stroke, also is it better than PRP",
        "my dad just had a stroke - what does it cost",
        "my dad just had a stroke how long does it last",
        "how long does it last but my dad just had a stroke",
        "does it hurt and is it safe, my dad just had a stroke",
    ],
)
def test_a_red_flag_beside_a_question_of_the_same_sentence_is_read_apart(text: str) -> None:
    """What stands before or behind a question, however it is joined, is a reading of its own where it is a red flag."""
    assert readings(text) == [text, "my dad just had a stroke"]


def test_a_sentence_is_cut_only_at_its_questions() -> None:
    """A red flag told in several clauses stays whole and as it is written, and so does a question about one."""
    told = "no fever, but my dad had a stroke and cannot talk"
    asks = "is a stroke or a seizure likely and is it dear"

    assert readings(told) == [told]
    assert readings(f"{told}, how much is it") == [f"{told}, how much is it", told]
    assert readings(asks) == [asks]


@pytest.mark.parametrize(
    "text",
    ["If someone's throat did swell up in the chair, what does the clinic do about it?",
     "lets say the skin turns black, is the clinic liable", "hi, suppose my face swells and I faint, who do I call"],
)  # fmt: skip
def test_what_is_only_supposed_is_not_torn_from_its_question(text: str) -> None:
    """A what-if is read with the question that it belongs to; a sentence beside it is read apart as ever."""
    assert readings(text) == [text]
    assert readings(f"{text.rstrip('?')}? My dad just had a stroke.")[1:] == [
        f"{text.rstrip('?')}?",
        "My dad just had a stroke.",
    ]


def test_long_text_is_read_in_passages_too() -> None:
    """A red flag in the middle of many words stands whole in a passage of whole sentences, and apart where it is plain."""
    text = f"{'We had lunch near the old station. ' * 8}Oh no. My throat is closing up! {'We went home by train. ' * 8}"
    whole, *passages, alone = readings(text)

    assert alone == "My throat is closing up!"
    assert whole == readable(text, safety.LONGEST_WHOLE)
    assert any("My throat is closing up!" in passage for passage in passages)
    assert " ".join(passages).split() == text.split()
    assert all(safety.PASSAGE <= len(passage.split()) <= safety.LONGEST_PASSAGE for passage in passages[:-1])


def test_text_without_marks_is_read_in_windows() -> None:
    """A red flag in the middle of many words without a full stop stands whole in some window."""
    text = f"{'we had lunch near the station ' * 20}my throat is closing up {'we went home by train ' * 20}"
    whole, *windows = readings(text)

    assert whole == readable(text, safety.LONGEST_WHOLE)
    assert any("my throat is closing up" in window for window in windows)
    assert max(len(window.split()) for window in windows) <= safety.WINDOW


@pytest.mark.parametrize("text", ["word " * 50_000, "a. " * 50_000])
def test_passages_are_bounded(text: str) -> None:
    """A book does not make the stop slow: the number of passages has a bound."""
    assert len(readings(text)) == safety.MOST_PASSAGES + 1


def test_no_passage_of_a_message_of_5000_characters_is_left_out() -> None:
    """Even in the shortest words and sentences such a message fits into the bound."""
    for text in ("a " * 2500, "a. " * 1667, "a b. " * 1000):
        _, *passages = readings(text)
        assert len(passages) < safety.MOST_PASSAGES


def test_a_key_held_down_is_no_word() -> None:
    """What is too long for a word is left out, and the words around it stay."""
    assert readings(f"help {'x' * 5000} my throat is closing") == ["help my throat is closing"]
    assert readings("x" * 5000) == [""]


# -- decide


def test_nothing_likely_is_not_stopped() -> None:
    """An ordinary question is stopped by nothing."""
    assert decide([scores()], THRESHOLDS) is None


@pytest.mark.parametrize("tier", [*RED_FLAGS, *DEFERRALS, MENTION])
def test_a_sure_tier_is_the_decision(tier: str) -> None:
    """A message that is surely of one tier gets that tier."""
    assert decide([scores(**{tier: 0.9})], THRESHOLDS) == tier


@pytest.mark.parametrize("red", RED_FLAGS)
@pytest.mark.parametrize("deferral", [*DEFERRALS, MENTION])
def test_a_red_flag_beats_a_personal_question(red: str, deferral: str) -> None:
    """A red flag that passes its threshold wins over a likelier tier below."""
    assert decide([scores(**{red: 0.35, deferral: 0.6})], THRESHOLDS) == red


def test_a_surely_personal_question_outweighs_a_doubtful_red_flag() -> None:
    """Where a personal question is far likelier, its own text is sent; it names the emergency number."""
    assert decide([scores(urgent=0.1, medicines=0.85)], Thresholds(0.08, 0.4, 0.5)) == "medicines"


def test_a_personal_question_beats_a_mention() -> None:
    """A deferral wins over the mention card."""
    assert decide([scores(personal=0.45, mention=0.55)], THRESHOLDS) == "personal"


def test_the_higher_tier_wins_when_close() -> None:
    """Urgent and emergency about as likely is an emergency; far apart it is urgent."""
    assert decide([scores(urgent=0.5, emergency=0.3)], THRESHOLDS) == "emergency"
    assert decide([scores(urgent=0.8, emergency=0.05)], THRESHOLDS) == "urgent"


def test_a_doubtful_emergency_gets_the_urgent_card() -> None:
    """Where any red flag at all is doubted, the card says to contact a doctor today."""
    assert decide([scores(emergency=0.2)], Thresholds(0.15, 0.4, 0.5)) == "urgent"


def test_self_harm_wins_when_likeliest() -> None:
    """Self-harm and an emergency as likely as one another: the text that holds both actions."""
    assert decide([scores(self_harm=0.4, emergency=0.4)], THRESHOLDS) == "self_harm"


def test_red_flags_count_together() -> None:
    """Unsure which red flag it is, sure that it is one: it is stopped."""
    assert decide([scores(urgent=0.15, emergency=0.15, self_harm=0.05)], THRESHOLDS) == "emergency"


def test_a_trace_of_self_harm_in_the_whole_gets_its_text() -> None:
    """Self-harm has a threshold of its own, for the message as a whole; a red card stays what it is."""
    careful = replace(THRESHOLDS, self_harm=0.1)

    assert decide([scores(self_harm=0.12)], careful) == "self_harm"
    assert decide([scores(self_harm=0.16, personal=0.6)], careful) == "self_harm"
    assert decide([scores(self_harm=0.12, personal=0.6)], careful) == "personal"
    assert decide([scores(self_harm=0.12, emergency=0.6)], careful) == "emergency"
    assert decide([scores(self_harm=0.08)], careful) is None
    assert decide([scores(), scores(self_harm=0.12)], careful) is None
    assert decide([scores(self_harm=0.12)], THRESHOLDS) is None


def test_one_window_stops_the_message() -> None:
    """A window with a red flag stops a long message that looks ordinary as a whole."""
    assert decide([scores(), scores(), scores(emergency=0.7)], THRESHOLDS) == "emergency"


def test_a_passage_is_believed_if_it_is_sure_or_the_whole_doubts_too() -> None:
    """A sentence torn from a harmless story looks like a red flag by chance; with a hint in the whole it counts."""
    story, hint, passage = scores(), scores(urgent=0.1), scores(urgent=0.3)

    assert decide([story, passage], THRESHOLDS) is None
    assert decide([story, passage], THRESHOLDS, ("urgent",)) is None, "plain words confirm no passage alone"
    assert decide([hint, passage], THRESHOLDS) == "urgent"
    assert decide([story, scores(urgent=0.5)], THRESHOLDS) == "urgent"


def test_a_passage_beyond_the_reading_of_the_whole_counts_by_itself() -> None:
    """What the whole cannot hint at, because its reading ended before, needs no hint in it."""
    assert decide([scores()] * (1 + safety.WITHIN_WHOLE) + [scores(urgent=0.3)], THRESHOLDS) == "urgent"
    assert decide([scores()] * safety.WITHIN_WHOLE + [scores(urgent=0.3)], THRESHOLDS) is None


def test_a_mention_in_a_story_does_not_stop_it() -> None:
    """What is mild counts in the message as a whole, and not in a passage of it."""
    assert decide([scores(), scores(mention=0.9)], THRESHOLDS) is None
    assert decide([scores(mention=0.9), scores()], THRESHOLDS) == MENTION


def test_something_of_many_tiers_is_stopped() -> None:
    """No tier is likely, but an ordinary question is less so: the likeliest group's text is sent."""
    spread = scores(emergency=0.12, urgent=0.1, personal=0.2, mention=0.15)

    assert decide([spread], THRESHOLDS) in RED_FLAGS
    assert decide([scores(emergency=0.1, personal=0.1)], THRESHOLDS) is None


def test_a_pattern_confirms_what_is_half_believed() -> None:
    """A plain-word pattern decides where the model gives a red flag some chance, and not else."""
    assert decide([scores(urgent=0.15)], THRESHOLDS, ("emergency",)) == "emergency"
    assert decide([scores(urgent=0.02)], THRESHOLDS, ("emergency",)) is None


def test_plain_words_for_a_red_flag_beat_a_personal_question() -> None:
    """ "I'm 15 and I'll kill myself" is half believed beside the age: the text for a crisis comes, not the one for minors."""
    said = [scores(self_harm=0.1, minor=0.85)]

    assert decide(said, THRESHOLDS, ("self_harm", "minor")) == "self_harm"
    assert decide(said, THRESHOLDS, ("minor",)) == "minor"
    assert decide([scores(self_harm=0.02, minor=0.85)], THRESHOLDS, ("self_harm", "minor")) == "minor"


def test_certain_words_decide_alone() -> None:
    """What hardly anybody writes for another reason gets its card though the classifier sees nothing; a higher card stays."""
    assert decide([scores()], THRESHOLDS, (), ("self_harm",)) == "self_harm"
    assert decide([scores(medicines=0.9)], THRESHOLDS, (), ("emergency",)) == "emergency"
    assert decide([scores(emergency=0.9)], THRESHOLDS, (), ("self_harm",)) == "emergency"


@pytest.mark.parametrize(
    ("text", "tiers"),
    [
        ("how long does hanging take", ("self_harm",)),
        ("is it painful to bleed out?", ("self_harm",)),
        ("does it hurt if you drown", ("self_harm",)),
        ("I hope the needle goes into my brain", ("self_harm",)),
        ("what is a lethal amount of lidocaine", ("self_harm",)),
        ("took a load of paracetamol earlier, can i still come", ("emergency",)),
        ("he has had the whole box of ibuprofen", ("emergency",)),
        ("our toddler swallowed bleach", ("emergency",)),
        ("I've coughed up blood, quite a lot of it", ("emergency",)),
        ("my dad keeps bringing up a bit of blood", ("emergency",)),
        ("she threw up dark clots", ("emergency",)),
        ("is it meant to feel like an elephant sitting on my ribs?", ("emergency",)),
        ("my wife does not know what year it is", ("emergency",)),
        ("an elephant on my mug", ()),
        ("i don't know what day it is, so busy", ()),
        ("my wife doesn't know where he is buried", ()),
        ("does my hair hang too long", ()),
        ("is coughing up blood a side effect", ()),
        ("I never coughed up blood", ()),
        ("at that price I am spitting blood", ()),
        ("she throws a fit at the sight of blood", ()),
        ("is it painful to hang on to the chair", ()),
        ("i never took too many tablets", ()),
        ("is it painful, i am drowning in work", ()),
        ("had 40 tabs open", ()),
        ("swallowed bleach-y pool water as a kid", ()),
        ("is a bad dye job fatal", ()),
        ("took loads of photos", ()),
        ("took two paracetamol", ()),
    ],
)
def test_what_is_certain(text: str, tiers: tuple[str, ...]) -> None:
    """Method questions without an "I", too much of a medicine, blood coughed up, a weight on the chest and lost bearings are certain; their look-alikes are not."""
    assert matched(text, certain()) == tiers


def test_what_is_certain_gets_its_card_when_the_product_fails() -> None:
    """Words that decide alone need neither a model nor n-grams."""
    assert failure_reply("how long does hanging take", SETTINGS, guess=False).tier == "self_harm"


def test_no_harmless_message_is_certain() -> None:
    """Of all messages that the stop knows as harmless, hardly any holds words that decide alone."""
    known = [*examples(), *((row.text, row.tier) for row in calibration())]
    found = [text for text, tier in known if tier == NONE and matched(text, certain())]

    assert len(found) <= 3, found


# -- thresholds


def learnt(**changed: float) -> float:
    seen = [0.9, 0.7, 0.4, 0.2, 0.6, 0.3, 0.1, 0.05]
    ought = [True, True, True, True, False, False, False, False]
    return learn_threshold(seen, ought, **{"missed": 10, "needless": 1, "share": 0.1, **changed})


def test_dearer_misses_lower_the_threshold() -> None:
    """The dearer a miss, the more careful the stop; the dearer a card, the less."""
    assert learnt(missed=1000) < learnt(missed=1)
    assert learnt(needless=1000) > learnt(needless=0.1)


def test_commoner_red_flags_lower_the_threshold() -> None:
    """The commoner what ought to be stopped, the more careful the stop."""
    assert learnt(share=0.9) < learnt(share=0.001)


def test_a_clean_split_is_found() -> None:
    """Where the two kinds do not overlap, nothing is missed and no card is needless."""
    found = learn_threshold([0.8, 0.9, 0.1, 0.2], [True, True, False, False], missed=1, needless=1, share=0.5)

    assert 0.2 < found <= 0.8


def test_the_most_careful_of_about_equal_thresholds_is_taken() -> None:
    """Where a lower threshold costs hardly more, the doubtful red flag gets its card; where it costs more, none."""
    scores = [*(0.9,) * 60, 0.3, *(0.01,) * 100, *(0.3,) * 2]
    stopped = [True] * 61 + [False] * 102

    def learnt(missed: float) -> float:
        return learn_threshold(scores, stopped, missed=missed, needless=1, share=0.5)

    dear, even, cheap = learnt(1.4), learnt(2 * 61 / 102 / 1.01), learnt(0.9)

    assert dear <= 0.3
    assert even <= 0.3
    assert 0.3 < cheap <= 0.9


def test_costs_are_declared() -> None:
    """A missed red flag costs more than a personal question answered, and that more than a card; self-harm most."""
    cost = costs()

    assert (
        cost["missed_self_harm"]
        > cost["missed_red_flag"]
        > cost["answered_personal"]
        > cost["needless_card"]
        > 0
    )


@pytest.mark.parametrize("text", ["needless_card: 1\n", "missed_red_flag: many\n", "missed_red_flag: 0\n"])
def test_a_bad_cost_is_refused(tmp_path: Path, text: str) -> None:
    """A cost that is missing, no number, or nothing is named with its mend."""
    with pytest.raises(DataError, match="missed_red_flag"):
        costs(folder_with(tmp_path, "costs.yml", text))


def test_thresholds_come_from_the_calibration_messages() -> None:
    """Each threshold separates the messages that ought to be stopped from the harmless ones."""
    rows = [*(Labelled("", tier) for tier in ("emergency", "personal", "self_harm", NONE))]
    said = [[scores(emergency=0.6)], [scores(personal=0.5)], [scores(self_harm=0.3)], [scores(self_harm=0.1)]]
    found = learn(rows, said, costs())

    assert 0.1 < found.red_flag <= 0.3
    assert found.deferral <= 0.5
    assert 0.1 < found.anything <= 0.3
    assert 0.1 < found.self_harm <= 0.3


def test_plain_words_decide_between_two_tiers() -> None:
    """A pattern's tier is taken where the model thinks of it too, and not against its firm belief."""
    learnt = Thresholds(0.3, 0.5, 0.5, 0.5)
    doubtful, firm = [scores(self_harm=0.5, emergency=0.2)], [scores(self_harm=0.9, emergency=0.004)]

    assert decide(doubtful, learnt, ("emergency",)) == "emergency"
    assert decide(doubtful, learnt, ("self_harm", "emergency")) == "self_harm"
    assert decide(doubtful, learnt) == "self_harm"
    assert decide(firm, learnt, ("emergency",)) == "self_harm"


def test_certain_words_decide_between_two_red_flags() -> None:
    """Where the model thinks of their red flag too they win over its guess at another one, and not against its firm belief."""
    learnt = Thresholds(0.3, 0.5, 0.5, 0.5)
    doubtful, firm = [scores(self_harm=0.6, emergency=0.3)], [scores(self_harm=0.9, emergency=0.05)]

    assert decide(doubtful, learnt, (), ("emergency",)) == "emergency"
    assert decide(doubtful, learnt, (), ("self_harm", "emergency")) == "self_harm"
    assert decide(firm, learnt, (), ("emergency",)) == "self_harm"


def test_no_pattern_reads_the_rest_of_a_text_from_each_letter() -> None:
    """A pattern that begins with "anything, then" starts at the beginning only: else its time is squared."""
    begins = [
        found.expression.pattern
        for found in patterns()
        if re.match(r"\(\?=\.\*|\.[*+]", found.expression.pattern)
    ]

    assert begins == []


def test_nothing_is_tuned_on_what_the_thresholds_are_learnt_from() -> None:
    """No calibration message stands among the examples, and none in the evaluation."""
    known = {text.lower() for text, _ in examples()}
    held = [row.text.lower() for row in calibration()]

    assert len(held) >= 400
    assert known.isdisjoint(held)
    assert {row["text"].lower() for row in read("safety")}.isdisjoint(held)


@pytest.mark.parametrize("line", ["no json", '{"text": "a"}', '{"text": "a", "tier": "red"}', "[]"])
def test_a_bad_calibration_line_is_refused(tmp_path: Path, line: str) -> None:
    """A line that is no labelled message is named with its place."""
    with pytest.raises(DataError, match=r"calibration\.jsonl:1"):
        calibration(folder_with(tmp_path, "calibration.jsonl", line))


def test_every_tier_has_examples() -> None:
    """Each tier is learnt from at least 100 messages; no message stands under two tiers."""
    found = examples()

    assert [tier for tier in TIERS if sum(of == tier for _, of in found) < 100] == []
    assert len({text.lower() for text, _ in found}) == len({(text.lower(), tier) for text, tier in found})


# -- patterns


def test_patterns_load() -> None:
    """Each red flag has plain-word patterns."""
    assert {pattern.tier for pattern in patterns()} == {*RED_FLAGS, *DEFERRALS}


@pytest.mark.parametrize(
    ("text", "tiers"),
    [
        ("i cant breathe", ("emergency",)),
        ("I CAN’T BREATHE", ("emergency",)),
        ("my lips are swelling", ("emergency",)),
        ("i want to die", ("self_harm",)),
        ("blood is pouring out of my head and how much is it", ("emergency",)),
        ("her scalp is gushing blood", ("emergency",)),
        ("his lips have gone a bit blue", ("emergency",)),
        ("does it get into the blood stream, or the blood flow", ()),
        ("no blood pours out", ()),
        ("there is pus", ("urgent",)),
        ("there is pus and i passed out", ("emergency", "urgent")),
        ("no pus but i can't breathe", ("emergency",)),
        ("no fever, my throat is closing", ("emergency",)),
        ("no pus", ()),
        ("i don't have chest pain", ()),
        ("there was never any pus", ()),
        ("i'm dying to know", ()),
        ("how many sessions?", ()),
    ],
)
def test_patterns_match_what_is_not_denied(text: str, tiers: tuple[str, ...]) -> None:
    """A denial clears only the flag that it touches."""
    assert matched(text) == tiers


@pytest.mark.parametrize(
    ("text", "part"),
    [("urgent:\n  - '(pus'\n", "no regular expression"), ("hurry:\n  - 'pus'\n", "is no tier")],
)
def test_a_bad_pattern_is_refused(tmp_path: Path, text: str, part: str) -> None:
    """A pattern that can't be read, or is of is no tier, is named."""
    with pytest.raises(DataError, match=part):
        patterns(folder_with(tmp_path, "patterns.yml", text))


# -- other languages


def test_every_language_has_a_line_and_phrases() -> None:
    """Twelve languages have a line of their own and phrases of every red flag."""
    assert len(languages()) >= 12
    assert [c for c, of in languages().items() if not of.line or not all(of.phrases.values())] == []


@pytest.mark.parametrize("code", languages())
@pytest.mark.parametrize("tier", RED_FLAGS)
def test_every_phrase_is_found(code: str, tier: str) -> None:
    """Each phrase of each language is found as a red flag of its tier or of a higher one."""
    order = RED_FLAGS.index
    wrong = [p for p in languages()[code].phrases[tier] if order(red_flag(p) or "urgent") > order(tier)]

    assert wrong == []


@pytest.mark.parametrize(
    "text",
    [
        "is it a blind study",
        "can it infect the scalp",
        "does it suit a convulsive person",
        "is avc an ingredient",
        "what is pus",
        "does the suicid line exist",
    ],
)
def test_single_foreign_words_do_not_fire_in_english(text: str) -> None:
    """A single word of a list stops a text in that language, and no English text."""
    assert red_flag(text, sure=False) is None
    assert red_flag(text) is not None


def test_phrases_fire_in_english_text() -> None:
    """A phrase of several words stops a message whatever language it was taken for."""
    assert red_flag("hello, no puedo respirar please", sure=False) == "emergency"


# -- when anything failed


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        ("i cant breathe", "emergency"),
        ("thanks. my throat is closing up", "emergency"),
        ("i want to kill myself", "self_harm"),
        ("there is pus", "urgent"),
        ("no puedo respirar", "emergency"),
    ],
)
def test_a_failure_gives_a_red_flag_its_card(text: str, tier: str) -> None:
    """Without model, action server and database a plain red flag still gets its card."""
    reply = failure_reply(text, SETTINGS)

    assert (reply.kind, reply.tier) == ("safety", tier)
    assert reply.text.startswith(TEXTS[tier])


@pytest.mark.parametrize("text", ["does it hurt?", "", None, 7, "no pus", "how long does it take"])
def test_a_failure_gives_any_other_text_the_error_text(text: object) -> None:
    """Whatever else was sent gets the error text, which names the emergency number."""
    reply = failure_reply(text, SETTINGS)

    assert reply == error_reply(filled(KNOWLEDGE, SETTINGS))
    assert "emergency" in reply.text


def test_a_failure_reads_styled_letters() -> None:
    """Full-width letters and hidden marks do not hide a red flag when anything failed."""
    tiers = [
        failure_reply(text, SETTINGS).tier for text in ("ｉ ｃａｎｔ ｂｒｅａｔｈｅ", "i cant brea\u200bthe")
    ]

    assert tiers == ["emergency", "emergency"]


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        ("I can't breathe…", "emergency"),
        ("it hurts… I want to kill myself… sorry", "self_harm"),
        (f"{'ﷺ' * 900} there is pus {'ﷺ' * 900}", "urgent"),
    ],
    ids=["dots", "dots twice", "words in a letter"],
)
def test_a_letter_that_becomes_several_hides_no_red_flag(text: str, tier: str) -> None:
    """Three dots that a phone writes as one letter push no word out of what is read."""
    assert failure_reply(text, SETTINGS).tier == tier


@pytest.mark.parametrize("text", ["no i cant breathe", "i don't feel well i cant breathe"])
def test_a_denial_of_something_else_clears_nothing(text: str) -> None:
    """A denial that is not about the flag does not clear it, though no mark stands between."""
    assert matched(text) == ("emergency",)


# -- the stop's texts


@pytest.mark.parametrize("tier", SENT_BY_STOP)
def test_the_stop_sends_one_text_alone(tier: str) -> None:
    """The reply is one fixed text: no statement, no topic, no source, no button, no disclaimer."""
    reply, _ = stop(tier, "en", Memory(), KNOWLEDGE, SETTINGS)

    assert reply.text == TEXTS[tier]
    assert (reply.statements, reply.topics, reply.sources, reply.buttons) == ((), (), (), ())
    assert reply.notices == (tier,)


@pytest.mark.parametrize("tier", RED_FLAGS)
def test_a_red_flag_clears_the_memory(tier: str) -> None:
    """Nothing of the conversation before is kept but that a reminder is due, and for which text."""
    said = Memory(topics=("pain",), told=("a",), asked=("pain",))
    kept = Memory(reminders=REMINDERS, stopped=tier, held=REMINDERS)

    assert stop(tier, "en", said, KNOWLEDGE, SETTINGS)[1] == kept


BACK = (
    ("emergency", "is that a normal side effect?", "pain", True),
    ("urgent", "how long does that last?", "pain", True),
    ("urgent", "and is it safe?", "safety", True),
    ("mention", "do they go away", "silent_effects", True),
    ("emergency", "is it sore?", "pain", False),
    (
        "emergency",
        "what does it say about safety in general, for people who read long articles?",
        "safety",
        False,
    ),
    ("emergency", "thanks for that", "thanks", False),
    ("medicines", "so is it safe?", "safety", True),
    ("personal", "how long does that take", "pain", False),
    ("personal", "is mesotherapy safe", "safety", False),
)


@pytest.mark.parametrize(("tier", "text", "intent", "again"), BACK)
def test_a_message_that_goes_back_gets_the_same_text_again(
    tier: str, text: str, intent: str, again: bool
) -> None:
    """After a fixed text nothing soothing is told to somebody who goes on about the same."""
    first, memory = stop(tier, "en", Memory(), KNOWLEDGE, SETTINGS)
    reply, _ = respond([Question(text, intent, sure=True)], memory, KNOWLEDGE, SETTINGS)

    assert (reply == first) is again


def test_a_fixed_text_is_not_sent_for_ever() -> None:
    """Three messages later the conversation goes on as if nothing had been; each repetition starts anew."""
    _, memory = stop("medicines", "en", Memory(), KNOWLEDGE, SETTINGS)
    back, other = Question("so is it safe?", "safety", sure=True), Question("price?", "cost", sure=True)
    tiers = []
    for question in (other, other, back, other, other, other, back):
        reply, memory = respond([question], memory, KNOWLEDGE, SETTINGS)
        tiers.append(reply.tier)

    assert tiers == [None, None, "medicines", None, None, None, None]
    assert memory.stopped == ""


def test_a_fixed_text_that_is_gone_is_not_sent_again() -> None:
    """A memory that names a tier of another version is no error, and nothing is repeated."""
    memory = Memory(stopped="a tier of last year", held=2)
    reply, _ = respond([Question("so is it safe?", "safety", sure=True)], memory, KNOWLEDGE, SETTINGS)

    assert reply.tier is None


def test_the_reminder_stands_in_three_replies() -> None:
    """The three replies after a red flag begin with the reminder, the fourth does not."""
    _, memory = stop("emergency", "en", Memory(), KNOWLEDGE, SETTINGS)
    carried = []
    for _ in range(4):
        reply, memory = respond([Question("does it hurt?", "pain", sure=True)], memory, KNOWLEDGE, SETTINGS)
        carried.append(reply.text.startswith(TEXTS["reminder"]) and "reminder" in reply.notices)

    assert carried == [True, True, True, False]


def test_the_clinics_numbers_are_filled_in() -> None:
    """Emergency number, crisis line and the clinic's phone stand in the texts that name them."""
    own = Settings(emergency_number="999", crisis_line="Helpers, 116 123", clinic_phone="020 7946 0000")
    said = {tier: stop(tier, "en", Memory(), KNOWLEDGE, own)[0].text for tier in SENT_BY_STOP}

    assert [tier for tier, text in said.items() if "999" not in text] == []
    assert "call a crisis line: Helpers, 116 123. Tell" in said["self_harm"]
    assert "020 7946 0000" in said["urgent"]


def test_a_card_without_a_crisis_line_reads_like_a_sentence() -> None:
    """Where the clinic has set no crisis line, the text says to call one, and leaves no gap where its number would stand."""
    text = stop("self_harm", "en", Memory(), KNOWLEDGE, Settings())[0].text

    assert "You can also call a crisis line in your country. Tell" in text


@pytest.mark.parametrize("own", [Settings(), Settings(emergency_number="999", crisis_line="x")])
def test_no_braces_are_left(own: Settings) -> None:
    """With and without the clinic's settings every text is whole."""
    assert [
        tier for tier in SENT_BY_STOP if re.search("[{}]", stop(tier, "en", Memory(), KNOWLEDGE, own)[0].text)
    ] == []


def test_every_text_of_the_stop_names_emergency_help() -> None:
    """Each text, the reminder, both disclaimers and the error text say whom to call."""
    keys = (*SENT_BY_STOP, "reminder", "disclaimer", "disclaimer_short", "error")

    assert [key for key in keys if "call your local emergency number" not in TEXTS[key].lower()] == []


@pytest.mark.parametrize("code", languages())
def test_a_foreign_red_flag_carries_the_line_in_its_language(code: str) -> None:
    """The card comes first, then one line in the message's language."""
    reply, _ = stop("emergency", code, Memory(), KNOWLEDGE, SETTINGS)

    assert reply.text == f"{TEXTS['emergency']}\n{languages()[code].line}"
    assert reply.notices == ("emergency", f"language_{code}")


# -- wording

ACTION = re.compile(
    r"\b(?:call|contact|get (?:medical help|it)|ask a (?:doctor|parent)|tell|talk to|do not|can't help you)\b",
    re.IGNORECASE,
)


def syllables(word: str) -> int:
    """Vowel groups, without a silent e at the end; a word has at least one."""
    groups = len(re.findall(r"[aeiouy]+", word))
    silent = word.endswith("e") and not word.endswith(("le", "ee")) and groups > 1
    return max(1, groups - silent)


def grade(text: str) -> float:
    """Flesch-Kincaid grade. (textstat's own wants a word list from the net.)"""
    words = re.findall(r"[a-z']+", text.lower())
    sentences = max(1, len(re.findall(r"[.!?:](?:\s|$)", text)))
    return 0.39 * len(words) / sentences + 11.8 * sum(map(syllables, words)) / len(words) - 15.59


@pytest.mark.parametrize("tier", SENT_BY_STOP)
def test_texts_are_easy_to_read(tier: str) -> None:
    """Each card has a reading grade of at most 6, each other text of the stop of at most 7."""
    assert grade(TEXTS[tier]) <= (6 if tier in CARDS else 7)


@pytest.mark.parametrize("key", [*SENT_BY_STOP, "reminder", "error"])
def test_the_action_comes_first(key: str) -> None:
    """What to do stands in the first 160 characters, where a channel may cut."""
    assert ACTION.search(TEXTS[key][:160])


def test_nothing_reassures() -> None:
    """No statement, topic text or fixed text says that anything is normal or harmless."""
    said = {
        **TEXTS,
        **{name: statement.says for name, statement in KNOWLEDGE.statements.items()},
        **{f"open of {name}": topic.open for name, topic in KNOWLEDGE.topics.items()},
    }
    allowed = re.compile("can't tell you if this is normal|do your normal things")

    assert [name for name, text in said.items() if REASSURING.search(allowed.sub("", text))] == []


def test_nothing_claims_to_find_emergencies() -> None:
    """No fixed text claims that the bot diagnoses, assesses or detects anything."""
    claim = re.compile(
        r"\bdiagnos|\bdetects?\b|\bassess|\byour symptoms suggest|\bnot urgent\b", re.IGNORECASE
    )

    assert [key for key, text in TEXTS.items() if claim.search(text)] == []


def test_plain_words_of_an_emergency_win_over_a_guess_at_self_harm() -> None:
    """ "Well… the bleeding will not stop… sorry…" may sound like despair, but it can't wait."""
    thresholds = Thresholds(red_flag=0.25, deferral=0.15, anything=0.3)
    sad = scores(self_harm=0.8, emergency=0.04, urgent=0.04)

    assert decide([sad], thresholds, ["emergency"]) == "emergency"
    assert decide([sad], thresholds, ["urgent"]) == "self_harm"
    assert decide([sad], thresholds, ["emergency", "self_harm"]) == "self_harm"
    assert decide([sad], thresholds) == "self_harm"
