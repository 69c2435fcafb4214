"""``mesoguide export`` and ``mesoguide delete``: what is kept of one person, for whoever they asked.

A clinic is asked on the telephone or by letter as well. Conversations are kept under keyed hashes, so the
person must say who they are on the platform: a Telegram user's number, Slack's team and member, their telephone
number and the clinic's, Messenger's id, or the website's token from their browser.
"""

from __future__ import annotations

import json

from mesoguide.messaging.channels import PLATFORMS
from mesoguide.rasa_host.conversations import ConversationStore
from mesoguide.settings import ROOT, Settings
from mesoguide.website.sessions import Sessions, load_secret

WEBSITE = "website"
DOORS = (WEBSITE, *(platform.name for platform in PLATFORMS.values()))


def name_of(door: str, person: str, settings: Settings) -> str | None:
    """Return the name under which the conversation of ``person`` is kept; None for a token that is not ours.

    Parameters
    ----------
    door
        One of :data:`DOORS`.
    person
        As the platform names them; on the website their token.
    """
    sessions = Sessions(load_secret(ROOT / settings.data_folder / "website-secret"))
    return sessions.sender(person) if door == WEBSITE else sessions.name(door, person)


def exported(name: str) -> str:
    """Return all that is kept under ``name``, as JSON that a person can read."""
    return json.dumps(ConversationStore().everything(name), indent=1, ensure_ascii=False)


def deleted(name: str) -> int:
    """Delete all that is kept under ``name``; return the rows."""
    return ConversationStore().erase(name)
