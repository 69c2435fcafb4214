"""``make channels``: which messaging platforms are switched on, and what they still need."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mesoguide.errors import DataError, Problem
from mesoguide.messaging.credentials import filled, problems, read
from mesoguide.messaging.messages import Platform
from mesoguide.messaging.messenger import Messenger
from mesoguide.messaging.slack import Slack
from mesoguide.messaging.telegram import Telegram
from mesoguide.messaging.twilio import Twilio

MODULE = "mesoguide.rasa_host.messaging"
PLATFORMS: Mapping[str, Any] = {
    f"{MODULE}.TelegramInput": Telegram,
    f"{MODULE}.SlackInput": Slack,
    f"{MODULE}.TwilioInput": Twilio,
    f"{MODULE}.MessengerInput": Messenger,
}
"""The channel's class, as it stands in the credentials file → its platform."""


WEBSITE = "mesoguide.rasa_host.website.WebsiteInput"


def check(file: Path, environment: Mapping[str, str] = os.environ) -> dict[str, list[Problem] | None]:
    """Return what is wrong with each platform's lines in ``file``; None for one that is switched off.

    Raises
    ------
    DataError
        The file can't be read.
    """
    written = read(file)
    return {
        platform.name: problems(written, door, platform.rules, environment) if door in written else None
        for door, platform in PLATFORMS.items()
    }


def switched_on(file: Path, environment: Mapping[str, str] = os.environ) -> list[Platform]:
    """Return the platforms that ``file`` switches on, with their credentials.

    Raises
    ------
    DataError
        A line is missing or can't be right; it says which, and the mend.
    """
    found = check(file, environment)
    wrong = [problem for each in found.values() if each for problem in each if not problem.warning]
    wrong += strangers(file)
    if wrong:
        raise DataError(wrong)
    written = read(file)
    return [
        made(platform, written[door], environment) for door, platform in PLATFORMS.items() if door in written
    ]


def strangers(file: Path) -> list[Problem]:
    """Return the channels in ``file`` that are not ours: Rasa's own take forged messages and raw commands."""
    written = read(file)
    return [
        Problem(
            written.place(key),
            f"'{key}' is no channel of Mesoguide",
            "Take its lines out; the channels that can be used stand in docs/channels.md",
        )
        for key in written
        if key not in {WEBSITE, *PLATFORMS}
    ]


def made(platform: Any, lines: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Platform:
    """Return ``platform`` (its class) with the credentials in ``lines``."""
    fields = {rule.field: filled(lines[rule.key], environment) for rule in platform.rules}
    if "api" in lines:
        fields["api"] = filled(lines["api"], environment)
    found: Platform = platform(**fields)
    return found


def report(file: Path, environment: Mapping[str, str] = os.environ) -> tuple[str, bool]:
    """Return what ``make channels`` prints, and whether all that is switched on can work."""
    lines = [str(problem) for problem in strangers(file)]
    well = not lines
    for name, found in check(file, environment).items():
        if found is None:
            lines.append(f"{name}: off (its lines in {file.name} are no more than a comment)")
            continue
        wrong = [problem for problem in found if not problem.warning]
        lines += [str(problem) for problem in found]
        lines.append(f"{name}: {f'{len(wrong)} to mend' if wrong else 'on'}")
        well = well and not wrong
    return "\n".join(lines), well
