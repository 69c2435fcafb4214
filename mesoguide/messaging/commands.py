"""The few words that are commands on a messaging platform; all else is a message."""

from __future__ import annotations

import re

DELETE = "delete"
SPOKEN = {"start": "hello", "help": "What can you do?", "get started": "hello", "get_started": "hello"}
"""Command → the message it stands for: so it is answered as on every door, reminder and all."""
DELETES = frozenset({"delete", "delete my data", "delete my chat", "delete this chat"})
LONGEST = 100
"""Letters above which nothing is a command."""
COMMAND = re.compile(r"\s*/?([a-z][a-z_ ]*?)(?:@\w+)?[\s.!]*", re.IGNORECASE)
STARTED_WITH = re.compile(r"/start(?:@\w+)? +[A-Za-z0-9_-]{1,64}")
"""A link to the bot may carry a mark behind ``start=``; it is no word of the user's."""


def meaning(text: str) -> str:
    """Return :data:`DELETE`, the message that a command stands for, or ``text`` as it is."""
    if len(text) > LONGEST:
        return text
    if STARTED_WITH.fullmatch(text.strip()):
        return SPOKEN["start"]
    found = COMMAND.fullmatch(text)
    name = " ".join(found[1].lower().split()) if found else ""
    if name in DELETES:
        return DELETE
    is_command = text.lstrip().startswith("/") or name.startswith("get")
    if name in SPOKEN and is_command:
        return SPOKEN[name]
    return text
