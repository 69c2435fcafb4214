"""Tell a platform where its webhook is; done by hand, once, and never at a start."""

from __future__ import annotations

from collections.abc import Callable

import requests

from mesoguide.messaging.messages import Platform

SECONDS = 30


def register(platform: Platform, address: str, say: Callable[[str], None]) -> int:
    """Make the platform's registration calls; return 0 if all were taken.

    Parameters
    ----------
    address
        Of the bot on the web, without a path: ``https://bot.clinic.example``.
    say
        Told what was done.
    """
    webhook = f"{address.rstrip('/')}/webhooks/{platform.name}/webhook"
    calls = platform.registration(webhook)
    if not calls:
        say(f"{platform.name}: type {webhook} in on its own page (docs/channels.md)")
        return 0
    for call in calls:
        try:
            answer = requests.post(
                call.url, json=call.body, headers=dict(call.headers), timeout=SECONDS, allow_redirects=False
            )
        except requests.RequestException as cause:
            say(f"{platform.name}: it can't be reached ({type(cause).__name__})")
            return 1
        outcome = platform.outcome(answer.status_code, {}, answer.content)
        if not outcome.sent:
            say(f"{platform.name}: it refused the registration ({outcome.reason})")
            return 1
    say(f"{platform.name}: registered {webhook}")
    return 0
