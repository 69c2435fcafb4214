"""``make fuzz``: the targets under atheris, which looks for bytes that reach new lines of the code.

Atheris is fetched into an environment of its own; nothing else needs it. Each target runs in a process
of its own for SECONDS, one after the other. What breaks a target is kept in var/fuzz/.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PLACE = ROOT / "var" / "fuzz"
LONGEST = 4096
"""Bytes of an input; tests/fuzz/test_growth.py has the long ones."""
SLOW_SECONDS = 20


def main() -> int:
    """Run the targets named, or all; return how many were broken."""
    parser = argparse.ArgumentParser(description="Fuzz the parsers of outside data.")
    parser.add_argument("targets", nargs="*", help="default: all")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--alone", action="store_true", help="run the one target in this process")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    if options.alone:
        fuzz(options.targets[0], options.seconds)
    from tests.fuzz.targets import TARGETS

    return sum(run(name, options.seconds) for name in options.targets or TARGETS)


def run(name: str, seconds: int) -> bool:
    """Fuzz one target in a process of its own; print how it went and return whether it broke."""
    command = [sys.executable, __file__, name, "--alone", "--seconds", str(seconds)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False)
    counts = re.findall(r"^#(\d+)\s.*?cov: (\d+)(?: ft: (\d+))?", done.stderr, re.MULTILINE)
    runs, lines, _ = counts[-1] if counts else ("0", "0", "")
    slowest = re.findall(r"slowest_unit_time_sec: +(\d+)", done.stderr)
    word = "BROKEN" if done.returncode else "ok"
    print(
        f"{name:18} {word:7} {runs:>9} runs, {lines:>5} edges, slowest {(slowest or ['?'])[-1]} s", flush=True
    )
    if done.returncode:
        (PLACE / f"{name}.log").write_text(done.stderr, "utf-8")
        print(f"{'':18} see var/fuzz/{name}.log", flush=True)
    return bool(done.returncode)


def fuzz(name: str, seconds: int) -> None:
    """Give the target bytes until the time is over; ends the process."""
    import atheris

    with atheris.instrument_imports(
        include=["mesoguide", "yaml", "slack_sdk.signature", "twilio.request_validator"]
    ):
        from tests.fuzz.targets import SEEDS, TARGETS
    corpus = PLACE / "corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[name]):
        (corpus / f"seed-{number}").write_bytes(seed)
    options = [
        f"-max_total_time={seconds}", f"-max_len={LONGEST}", f"-timeout={SLOW_SECONDS}", "-rss_limit_mb=2000",
        f"-artifact_prefix={PLACE}/{name}-", "-print_final_stats=1", f"-seed={int(time.time())}",
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *options, str(corpus)], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
