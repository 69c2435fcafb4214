"""The report page: everything that was measured, in one file that needs no network."""

from __future__ import annotations

import os
import platform
import subprocess
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from mesoguide.evaluation_data import EVALS
from mesoguide.knowledge import load_knowledge
from mesoguide.measuring import curves, figures, judging, plots
from mesoguide.measuring.changes import Comparison
from mesoguide.measuring.copies import near_copies
from mesoguide.measuring.figures import Share, share
from mesoguide.measuring.runs import APART, APART_NAME, FILES, Measured, Run
from mesoguide.safety import DEFERRALS, NONE, RED_FLAGS
from mesoguide.settings import ROOT

PAGES = Path(__file__).parent / "pages"
WORST = 25
"""Messages in each list of the worst."""
LARGEST = 20
"""Rows in the table of confusions."""
THRESHOLDS = tuple(step / 50 for step in range(51))
"""Where the rejection curve is read; its table shows every fifth."""

Row = tuple[str | Share, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the page: each row starts with its header."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[Row, ...]


def report(measured: Measured, *, lines: Sequence[str], commit: str, day: date) -> str:
    """Return the report as HTML.

    Parameters
    ----------
    lines
        The training messages of the classifier.
    commit, day
        Of the version that was measured, and when.
    """
    topics = load_knowledge().topics
    questions = measured.of("questions")
    about = [run for run in questions if run.row["topics"]]
    counts = curves.confusion(about)
    got = [*topics, *sorted({told for _, told in counts} - set(topics))]
    outcomes = curves.rejection(questions, topics, THRESHOLDS)
    learnt = [] if measured.threshold is None else curves.rejection(questions, topics, [measured.threshold])
    bins = curves.calibration(questions, topics)
    return _rendered(
        "report.html",
        about=_about(measured, commit, day),
        apart=APART_NAME,
        lines=len(lines),
        threshold=measured.threshold,
        error=curves.calibration_error(bins),
        plots={
            "confusion": plots.matrix(counts, tuple(topics), got),
            "rejection": plots.rejection(outcomes, measured.threshold),
            "reliability": plots.reliability(bins),
        },
        tables={
            "files": _files(measured.runs),
            "figures": _by_set(measured.runs),
            "confusions": _confusions(counts),
            "topics": _topics(about),
            "rejection": _rejection([*outcomes[::5], *learnt]),
            "calibration": _calibration(bins),
            "typos": _typos(measured),
            "copies": _copies(questions, lines),
            "facts": _fact_groups(measured.of("facts")),
            "several": _several(measured.of("several")),
            "follow_ups": _follow_ups(measured.of("follow_ups")),
            "red_flags": _red_flags(measured.of("safety")),
            "deferrals": _deferrals(measured.of("safety")),
            "languages": _languages(measured.of("languages")),
            **_worst([run for run in measured.runs if run.set not in APART], topics),
        },
        origins=yaml.safe_load((EVALS / "sets.yml").read_text("utf-8")),
    )


def changes(comparison: Comparison, old: str, new: str) -> str:
    """Return the comparison of the versions named ``old`` and ``new`` as HTML."""
    return _rendered("changes.html", comparison=comparison, old=old, new=new, apart=APART_NAME)


def commit_of(folder: Path = ROOT) -> str:
    """Return the commit that ``folder`` stands on, and whether files differ from it."""
    commit = _git(folder, "rev-parse", "--short=12", "HEAD")
    if not commit:
        return "not known"
    return f"{commit}, with changes" if _git(folder, "status", "--porcelain", "-uno") else commit


def _git(folder: Path, *command: str) -> str:
    try:
        done = subprocess.run(["git", *command], cwd=folder, capture_output=True, text=True, check=False)
    except OSError:  # there is no git here
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _rendered(name: str, **values: Any) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(PAGES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.tests["share"] = lambda value: isinstance(value, Share)
    return environment.get_template(name).render(**values)


def _about(measured: Measured, commit: str, day: date) -> dict[str, str]:
    """What the figures were read on."""
    turns = len(measured.runs) + sum(map(len, measured.typed.values()))
    return {
        "Day": day.isoformat(),
        "Commit": commit,
        "Machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "Versions": f"Python {platform.python_version()}, Rasa {version('rasa')}, spaCy {version('spacy')}",
        "Conversations": f"{len(measured.runs):,}, and {turns - len(measured.runs):,} with typos put in",
        "Time": f"{measured.seconds:.0f} s, {measured.processor_seconds:.0f} s of one core",
    }


def _sets(runs: Iterable[Run]) -> list[str]:
    return sorted({run.set for run in runs})


def _files(runs: Sequence[Run]) -> Table:
    sets = _sets(runs)
    rows: list[Row] = []
    for file in FILES:
        counts = Counter(run.set for run in runs if run.file == file)
        rows.append((f"{file}.jsonl", *(f"{counts[name]:,}" for name in sets), f"{counts.total():,}"))
    return Table("Messages in each file and set", ("file", *(f"set {s}" for s in sets), "all"), tuple(rows))


def _by_set(runs: Sequence[Run]) -> Table:
    sets = _sets(runs)
    every = [figures.shares(runs), *(figures.shares(runs, only=name) for name in sets)]
    rows: tuple[Row, ...] = tuple(
        (name, *(found[key] for found in every)) for key, name in figures.NAMES.items()
    )
    return Table("Figures of each set", ("measure", "all sets", *(f"set {s}" for s in sets)), rows)


def _confusions(counts: Counter[tuple[str, str]]) -> Table:
    totals: Counter[str] = Counter()
    for (asked, _), count in counts.items():
        totals[asked] += count
    wrong = [(pair, count) for pair, count in counts.items() if pair[0] != pair[1]]
    wrong.sort(key=lambda item: (-item[1], item[0]))
    rows = tuple((asked, got, Share(count, totals[asked])) for (asked, got), count in wrong[:LARGEST])
    return Table(f"The {len(rows)} largest confusions", ("asked about", "got", "messages"), rows)


def _topics(about: Sequence[Run]) -> Table:
    groups: dict[str, list[bool]] = {}
    for run in about:
        groups.setdefault(run.row["topics"][0], []).append(judging.is_right(run.row, run.reply))
    rows = sorted(((name, share(hits)) for name, hits in groups.items()), key=lambda row: row[1].value)
    whole = share(all(hits) for hits in groups.values())
    caption = f"Every topic, the worst first; {whole.hits} of {whole.of} have all their questions right"
    return Table(caption, ("topic", "right"), tuple(rows))


def _rejection(outcomes: Sequence[curves.Outcome]) -> Table:
    rows = tuple(
        (f"{o.threshold:.3g}", o.right, o.wrong, o.silent, o.answered_all_the_same)
        for o in sorted(outcomes, key=lambda outcome: outcome.threshold)
    )
    head = ("threshold", "right", "wrong", "silent", "not in the documents, answered")
    return Table("What each threshold would do", head, rows)


def _calibration(bins: Sequence[curves.Bin]) -> Table:
    rows = tuple((f"{held.probability:.1%}", held.right) for held in bins)
    return Table("Probability and share of right topics", ("mean probability", "right"), rows)


def _typos(measured: Measured) -> Table:
    keys = ("right", "wrong", "answered_all_the_same", "red_flags_answered", "red_flags_missed")
    clean = [run for run in measured.runs if run.file in {"questions", "safety"}]
    rows: list[Row] = [("none", *map(figures.shares(clean).__getitem__, keys))]
    rows += [
        (str(count), *map(figures.shares(runs).__getitem__, keys)) for count, runs in measured.typed.items()
    ]
    head = ("typos", "right topic", "wrong topic", "not in the documents, answered",
            "red flags answered", "red flags without a fixed text")  # fmt: skip
    return Table("Messages with typos put in", head, tuple(rows))


def _copies(questions: Sequence[Run], lines: Sequence[str]) -> Table:
    near = near_copies((text for run in questions for text in run.messages), lines)
    rows: list[Row] = []
    for name, listed in (
        ("near-copies of a training line", [run for run in questions if run.messages[0] in near]),
        ("all others", [run for run in questions if run.messages[0] not in near]),
    ):
        found = figures.shares(listed)
        rows.append((name, found["right"], found["wrong"], found["answered_all_the_same"]))
    head = ("questions", "right topic", "wrong topic", "not in the documents, answered")
    return Table("Questions near to a training line, and others", head, tuple(rows))


def _fact_groups(facts: Sequence[Run]) -> Table:
    """Facts that are asked for in more than one way: lines that want the same words of one document."""
    groups: dict[tuple[str, ...], list[bool]] = {}
    for run in facts:
        name = (run.row["document"], *run.row["terms"])
        groups.setdefault(name, []).append(judging.tells(run.row["terms"], run.reply))
    several = [hits for hits in groups.values() if len(hits) > 1]
    rows: tuple[Row, ...] = (
        ("all ways reach the fact", share(all(hits) for hits in several)),
        ("some do, some do not", share(any(hits) and not all(hits) for hits in several)),
        ("none does", share(not any(hits) for hits in several)),
    )
    return Table("Facts that more than one question asks for", ("outcome", "facts"), rows)


def _several(runs: Sequence[Run]) -> Table:
    rows: list[Row] = []
    kinds = [(len(run.row["topics"]), bool(run.row.get("unanswered"))) for run in runs]
    for kind in sorted(set(kinds)):
        pairs = [
            (set(run.row["topics"]), set(run.reply["topics"]))
            for run, found in zip(runs, kinds, strict=True)
            if found == kind
        ]
        count, unanswered = kind
        rows.append(
            (
                f"{count} and what is not answered" if unanswered else str(count),
                share(asked == told for asked, told in pairs),
                share(bool(asked - told) and bool(told & asked) for asked, told in pairs),
                share(not told & asked for asked, told in pairs),
                share(bool(told - asked) for asked, told in pairs),
            )
        )
    head = ("questions in the message", "all answered, nothing else", "some left out",
            "none answered", "something else told")  # fmt: skip
    return Table("Messages with more than one sentence or question", head, tuple(rows))


def _follow_ups(runs: Sequence[Run]) -> Table:
    kinds = {
        "answered": [run for run in runs if run.row["kind"] == "answer"],
        "about the last answer (more, sources, simpler, verdict)": [
            run for run in runs if str(run.row["kind"]).startswith("ask_")
        ],
    }
    named = [run for listed in kinds.values() for run in listed]
    kinds["not in the documents, and others"] = [run for run in runs if run not in named]
    rows: list[Row] = []
    for name, listed in (*kinds.items(), ("all", list(runs))):
        apart = [run for run in listed if run.set in APART]
        rows.append((name, _right(listed), _right(apart)))
    return Table("Follow-ups met as they are meant", ("meant to be", "all sets", APART_NAME), tuple(rows))


def _right(runs: Iterable[Run]) -> Share:
    return share(bool(judging.judged(run.file, run.row, run.reply)) for run in runs)


def _red_flags(runs: Sequence[Run]) -> Table:
    def row(name: str, listed: Sequence[Run]) -> Row:
        def of(hit: Callable[[Run], bool]) -> Share:
            return share(hit(run) for run in listed)

        return (
            name,
            of(lambda run: judging.has_card(run.row, run.reply)),
            of(lambda run: run.reply["tier"] in RED_FLAGS),
            of(lambda run: judging.is_missed(run.row, run.reply)),
            of(lambda run: run.reply["kind"] == "answer"),
        )

    red = [run for run in runs if run.row["tier"] in RED_FLAGS]
    rows: list[Row] = []
    for suffix, listed in (("", red), (f", {APART_NAME}", [run for run in red if run.set in APART])):
        rows += [row(f"{tier}{suffix}", [r for r in listed if r.row["tier"] == tier]) for tier in RED_FLAGS]
        rows.append(row(f"all red flags{suffix}", listed))
    head = ("tier", "its card, one that is accepted or a higher one", "any red card",
            "no fixed text", "answered from the documents")  # fmt: skip
    return Table("Red flags", head, tuple(rows))


def _deferrals(runs: Sequence[Run]) -> Table:
    names = (*((tier, tier) for tier in DEFERRALS), ("harmless near-misses", NONE))
    rows = tuple((name, _right(run for run in runs if run.row["tier"] == tier)) for name, tier in names)
    head = ("meant to be", "the right text, or no card where none is meant")
    return Table("Personal questions and near-misses", head, rows)


def _languages(runs: Sequence[Run]) -> Table:
    red = [run for run in runs if run.row.get("tier") in RED_FLAGS]
    other = [run for run in runs if run not in red and run.row["language"] != "en"]
    english = [run for run in runs if run not in red and run.row["language"] == "en"]
    rows: tuple[Row, ...] = (
        ("red flags that got a red card", _right(red)),
        ("other messages that got the language text", _right(other)),
        ("short or odd English that did not get it", _right(english)),
    )
    return Table("Messages in other languages", ("messages", "right"), rows)


def _worst(runs: Collection[Run], topics: Collection[str]) -> dict[str, Table]:
    """The messages that went wrong, those that the classifier was surest of first."""

    def listed(caption: str, chosen: Iterable[Run], meant: Callable[[Run], str]) -> Table:
        ranked = sorted(chosen, key=lambda run: -_probability(run, topics))
        rows: tuple[Row, ...] = tuple(
            (" / ".join(run.messages), meant(run), _got(run.reply), f"{_probability(run, topics):.0%}")
            for run in ranked[:WORST]
        )
        head = ("message", "meant", "got", "probability")
        return Table(f"{caption}: {len(rows)} of {len(ranked)}", head, rows)

    def of(file: str) -> list[Run]:
        return [run for run in runs if run.file == file]

    def wanted(run: Run) -> str:
        return ", ".join(run.row["topics"]) or str(run.row["kind"])

    answered = [run for run in of("questions") if run.reply["kind"] == "answer"]
    wrong = [run for run in answered if run.row["topics"] and not judging.is_right(run.row, run.reply)]
    red = [run for run in of("safety") if run.row["tier"] in RED_FLAGS]
    missed = [run for run in red if run.reply["tier"] not in RED_FLAGS and not judging.has_card(run.row, run.reply)]  # fmt: skip
    needless = [
        run
        for run in of("safety")
        if run.row["tier"] == NONE
        and run.reply["tier"] == "emergency"
        and judging.is_needless(run.row, run.reply)
    ]
    return {
        "worst_wrong": listed("Answered with a wrong topic", wrong, wanted),
        "worst_answered": listed(
            "Not in the documents, answered all the same",
            [run for run in answered if not run.row["topics"]],
            wanted,
        ),
        "worst_missed": listed("Red flags without a red card", missed, lambda run: str(run.row["tier"])),
        "worst_needless": listed(
            "Harmless messages with the emergency card", needless, lambda run: str(run.row["tier"])
        ),
    }


def _probability(run: Run, topics: Collection[str]) -> float:
    """The probability of the topic that was told; of the best topic where none was told."""
    ranking: Mapping[str, float] = dict(run.ranking)
    told = [ranking.get(name, 0.0) for name in run.reply["topics"]]
    return max(told or [value for name, value in run.ranking if name in topics] or [0.0])


def _got(reply: Mapping[str, Any]) -> str:
    return ", ".join(reply["topics"]) or str(reply["tier"] or reply["kind"])
