"""The command ``mesoguide``: prepare, talk, ask, check, measure."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mesoguide.errors import DataError

EXAMPLES = """\
examples:
  mesoguide ask "does it hurt?"                  print the reply as the terminal shows it
  mesoguide ask --jsonl < in.jsonl > out.jsonl   one conversation a line, each in a fresh session
     in:  {"id": "q1", "messages": ["does it hurt?", "and how many times do I have to go?"]}
     out: {"id": "q1", "replies": [{"text": "...", "kind": "answer", "topics": ["pain"], ...}, ...]}

The reply object is described in docs/reply-contract.md. A line that can't be read gives
{"id": null, "error": "..."} in its place, and the exit code is 1."""

VERSIONS = """\
A version is a git revision, a folder with the project in it, or a file that
`mesoguide eval --answers FILE` wrote. Each is asked with the evaluation messages of now.

examples:
  mesoguide diff                         what my changes do, before I commit them
  mesoguide diff HEAD~3 HEAD             what the last three commits did
  mesoguide eval --answers before.jsonl  then change something, then
  mesoguide diff before.jsonl            compare with what was kept"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; exit with 0 when all went well."""
    options = _parser().parse_args(arguments)
    try:
        sys.exit(options.run(options))
    except DataError as error:
        sys.exit(f"{error}\n{len(error.problems)} to mend.")
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mesoguide",
        description="A truthful, safe, offline FAQ bot about mesotherapy for hair.",
    )
    parser.add_argument("--debug", action="store_true", help="show Rasa's log (it can hold users' words)")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    setup = commands.add_parser("setup", help="build and train what changed")
    setup.add_argument("--force", action="store_true", help="build and train all of it")
    setup.set_defaults(run=_setup)

    chat = commands.add_parser("chat", help="talk in this terminal")
    chat.set_defaults(run=_chat)

    web = commands.add_parser("web", help="serve the website chat and a page to try it on")
    web.set_defaults(run=_web)

    ask = commands.add_parser(
        "ask",
        help="answer one message, or many conversations from standard input",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    ask.add_argument("message", nargs="?", help="what a patient asks")
    ask.add_argument("--jsonl", action="store_true", help="read conversations, a JSON object a line")
    ask.set_defaults(run=_ask)

    channels = commands.add_parser(
        "channels", help="check the messaging channels' credentials; sends nothing"
    )
    channels.add_argument(
        "--register",
        metavar="ADDRESS",
        help="tell the platforms where the webhooks are (https://bot.clinic.example)",
    )
    channels.set_defaults(run=_channels)

    for verb, help_text in (
        ("export", "print all that is kept of one person's conversation, as JSON"),
        ("delete", "delete all that is kept of one person's conversation"),
    ):
        asked = commands.add_parser(verb, help=help_text)
        asked.add_argument("door", help="website, telegram, slack, twilio or messenger")
        asked.add_argument("person", help="as the platform names them; on the website their token")
        asked.set_defaults(run=_stored, verb=verb)

    check = commands.add_parser("check", help="check knowledge, training data and settings")
    check.add_argument("--documents", type=Path, help="folder with the source documents")
    check.set_defaults(run=_check)

    test = commands.add_parser("test", help="run the tests; what follows goes to pytest")
    test.add_argument("--fast", action="store_true", help="only those without Rasa and a model")
    test.add_argument("pytest", nargs=argparse.REMAINDER)
    test.set_defaults(run=_test)

    lint = commands.add_parser("lint", help="ruff and mypy")
    lint.set_defaults(run=_lint)

    _add_measuring(commands)

    rasa = commands.add_parser("rasa", help="Rasa's own command line, quiet and bound to loopback")
    rasa.add_argument("arguments", nargs=argparse.REMAINDER)
    rasa.set_defaults(run=_rasa)
    return parser


def _add_measuring(commands: Any) -> None:
    evaluate = commands.add_parser("eval", help="measure on the evaluation questions")
    evaluate.add_argument("--worst", action="store_true", help="list every message that went wrong")
    evaluate.add_argument("--page", type=Path, help="where the report goes (evals/report.html)")
    evaluate.add_argument(
        "--answers", type=Path, metavar="FILE", help="also write what each message got, for `mesoguide diff`"
    )
    evaluate.set_defaults(run=_eval)

    diff = commands.add_parser(
        "diff",
        help="which evaluation messages two versions answer otherwise",
        epilog=VERSIONS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    diff.add_argument("old", nargs="?", default="HEAD", help="default: HEAD, the last commit")
    diff.add_argument("new", nargs="?", default=".", help="default: the files as they are now")
    diff.add_argument("--page", type=Path, help="where the page goes (evals/changes.html)")
    diff.set_defaults(run=_diff)

    tune = commands.add_parser("tune", help="tune the encoder for the safety stop (fetches torch)")
    tune.set_defaults(run=_tune)

    benchmark = commands.add_parser(
        "benchmark",
        help="measure on a public data set",
        description="Where to get the data sets, and how long each takes: docs/benchmarks.md.",
    )
    benchmark.add_argument("name", choices=["hint3", "clinc150", "banking77", "covidq"])
    benchmark.add_argument("folder", type=Path, help="with the data set's files")
    benchmark.add_argument("--only", action="append", default=[], metavar="TASK", help="not all of its tasks")
    benchmark.add_argument("--without-stock", action="store_true", help="leave stock Rasa out")
    benchmark.add_argument(
        "--tuned", action="store_true", help="ours with tuned layers, too (fetches torch; minutes more)"
    )
    benchmark.set_defaults(run=_benchmark)

    bench = commands.add_parser("bench", help="time and memory beside stock Rasa")
    bench.add_argument("--without-stock", action="store_true", help="leave stock Rasa out")
    bench.add_argument("--without-scale", action="store_true", help="leave several processes out")
    bench.set_defaults(run=_bench)


def _say(text: str) -> None:
    print(f"mesoguide: {text}", file=sys.stderr, flush=True)


def _prepared(options: argparse.Namespace, *, force: bool = False) -> Path:
    """Quiet Rasa, check the knowledge, build and train what changed; return the model."""
    from mesoguide.knowledge import shared_knowledge
    from mesoguide.rasa_host.training import is_ready

    shared_knowledge()
    if force or not is_ready():
        _say("preparing; this is done once and again only when something changed")
    from mesoguide.rasa_host import quiet

    quiet.start(debug=options.debug)
    from mesoguide.rasa_host.training import prepare

    return prepare(_say, force=force)


def _to_serve(options: argparse.Namespace) -> Path:
    """As :func:`_prepared`, in a process that only serves: training happens in another one."""
    from mesoguide.knowledge import shared_knowledge
    from mesoguide.rasa_host import lean, quiet
    from mesoguide.rasa_host.training import ENDPOINTS, MODEL, is_ready

    shared_knowledge()
    if not is_ready():
        import subprocess

        prepared = subprocess.call([sys.executable, "-m", "mesoguide", "setup"])
        if prepared:
            sys.exit(prepared)
    quiet.start(debug=options.debug)
    lean.start(MODEL, ENDPOINTS)
    return MODEL


def _setup(options: argparse.Namespace) -> int:
    _prepared(options, force=options.force)
    _say("ready")
    return 0


def _chat(options: argparse.Namespace) -> int:
    _say("starting …")
    model = _to_serve(options)
    from mesoguide.rasa_host.terminal import talk

    return talk(model)


def _web(options: argparse.Namespace) -> int:
    _say("starting …")
    from mesoguide.settings import load_settings

    settings = load_settings()
    model = _to_serve(options)
    from mesoguide.rasa_host.web_server import serve

    return serve(model, settings, _say)


def _ask(options: argparse.Namespace) -> int:
    if options.jsonl == (options.message is not None):
        sys.exit("mesoguide ask: give a message, or --jsonl with conversations on standard input")
    model = _to_serve(options)
    from mesoguide.rasa_host import ask

    if options.jsonl:
        return ask.lines(model, sys.stdin.buffer, sys.stdout)
    return ask.one(model, options.message)


def _channels(options: argparse.Namespace) -> int:
    from mesoguide.messaging import channels
    from mesoguide.settings import ROOT, load_settings

    file = ROOT / load_settings().credentials
    if not options.register:
        text, well = channels.report(file)
        print(text)
        return 0 if well else 1
    from mesoguide.messaging.register import register

    return max(
        (register(platform, options.register, _say) for platform in channels.switched_on(file)), default=0
    )


def _stored(options: argparse.Namespace) -> int:
    from mesoguide.rasa_host import quiet

    quiet.start(debug=options.debug)
    from mesoguide.rasa_host import stored
    from mesoguide.settings import load_settings

    if options.door not in stored.DOORS:
        sys.exit(f"mesoguide {options.verb}: '{options.door}' is none of {', '.join(stored.DOORS)}")
    name = stored.name_of(options.door, options.person, load_settings())
    if name is None:
        sys.exit(f"mesoguide {options.verb}: this token was not issued by this server")
    if options.verb == "export":
        print(stored.exported(name))
    else:
        print(f"{stored.deleted(name)} rows deleted")
    return 0


def _check(options: argparse.Namespace) -> int:
    from mesoguide.checks import check

    problems = check(options.documents)
    for problem in problems:
        print(problem)
    errors = [problem for problem in problems if not problem.warning]
    print(f"{len(errors)} errors, {len(problems) - len(errors)} warnings")
    return 1 if errors else 0


def _test(options: argparse.Namespace) -> int:
    if not options.fast:
        _prepared(options)
    import pytest

    from mesoguide.settings import ROOT

    chosen = ["-m", "not slow"] if options.fast else []
    return int(pytest.main(["--rootdir", str(ROOT), *chosen, *options.pytest]))


def _lint(options: argparse.Namespace) -> int:
    import subprocess

    from mesoguide.settings import ROOT

    commands = (["ruff", "check"], ["ruff", "format", "--check"], ["mypy"])
    return max(subprocess.call([sys.executable, "-m", *command], cwd=ROOT) for command in commands)


def _eval(options: argparse.Namespace) -> int:
    from mesoguide.settings import ROOT

    model = _to_serve(options)
    from datetime import date

    from mesoguide.measuring import answers, figures, page
    from mesoguide.rasa_host.evaluation import measure
    from mesoguide.rasa_host.training import NLU, training_messages

    _say("sending the evaluation messages (some minutes) …")
    measured = measure(model)
    target = options.page or ROOT / "evals" / "report.html"
    lines = training_messages(NLU)
    written = page.report(measured, lines=lines, commit=page.commit_of(), day=date.today())
    target.write_text(written, "utf-8")
    if options.answers:
        answers.write(options.answers, answers.of_runs(measured.runs))
    print("\n".join([figures.table(measured.runs), *(figures.worst(measured.runs) if options.worst else ())]))
    _say(f"the report is in {target}")
    return 0


def _diff(options: argparse.Namespace) -> int:
    from mesoguide.settings import ROOT

    _prepared(options)
    from mesoguide.measuring import answers, changes, page, versions

    rows = answers.rows()
    try:
        old, new = versions.answers_of_both(options.old, options.new, rows, _say)
    except versions.NoVersionError as error:
        sys.exit(f"mesoguide diff: {error}")
    comparison = changes.compare(old, new, rows)
    target = options.page or ROOT / "evals" / "changes.html"
    names = (versions.name_of(version) for version in (options.old, options.new))
    target.write_text(page.changes(comparison, *names), "utf-8")
    print(changes.summary(comparison))
    _say(f"the page is in {target}")
    return 0


def _tune(options: argparse.Namespace) -> int:
    _prepared(options)
    from mesoguide.rasa_host.tuning import tune

    return tune(_say)


def _benchmark(options: argparse.Namespace) -> int:
    from mesoguide.benchmarks.sets import SETS

    tasks = SETS[options.name].tasks
    if unknown := set(options.only) - set(tasks):
        sys.exit(f"mesoguide benchmark: no task {min(unknown)}; {options.name} has {', '.join(tasks)}")
    _prepared(options)
    from mesoguide.rasa_host.benchmark import benchmark

    stock, tuned = not options.without_stock, options.tuned
    measured = False
    for line in benchmark(options.name, options.folder, _say, only=options.only, stock=stock, tuned=tuned):
        print(line, flush=True)
        measured = True
    return 0 if measured else 1


def _bench(options: argparse.Namespace) -> int:
    _prepared(options)
    from mesoguide.rasa_host.bench import bench

    for table in bench(_say, stock=not options.without_stock, scale=not options.without_scale):
        print(f"{table}\n", flush=True)
    return 0


def _rasa(options: argparse.Namespace) -> int:
    from mesoguide.rasa_host import quiet

    quiet.start(debug=options.debug)
    from rasa.__main__ import main as rasa_main

    given = [word for word in options.arguments if word != "--"]
    serves = given[:1] in (["run"], ["shell"]) and given[1:2] != ["actions"]
    if serves and not {"-i", "--interface"} & set(given):
        given += ["-i", "127.0.0.1"]
    os.environ.setdefault("SANIC_HOST", "127.0.0.1")  # Rasa's action server would listen to the network
    sys.argv = ["rasa", *given]
    rasa_main()
    return 0
