"""What all messaging platforms have in common: a request that came in, a message, a call to make."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, Protocol, get_args

Manner = Literal["answer", "decline", "watch"]
"""How a message is met.

``answer``: with its reply. ``decline`` (a group speaks to the bot): with the fixed text for it.
``watch`` (a group talks, a message was edited): with silence. A red flag gets its card in all three.
"""


@dataclass(frozen=True, slots=True)
class Received:
    """A webhook request: ``url`` is the public address that the platform called, headers in small letters."""

    url: str
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str:
        """Return a header, empty where it is missing."""
        return self.headers.get(name, "")


@dataclass(frozen=True, slots=True)
class Incoming:
    """A user's message.

    ``key`` names it, so that the same one delivered again is known. ``sender`` names the
    conversation. ``address`` is where the reply goes, in the platform's own terms. ``text`` is empty
    where the message is no text (a sticker, a voice message).
    """

    key: str
    sender: str
    address: Mapping[str, str]
    text: str
    manner: Manner = "answer"

    def to_json(self) -> str:
        """Return it as text that :meth:`from_json` reads."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Incoming:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        ValueError
            It is nothing that this version writes.
        """
        value = read_object(text)
        texts, address = [value.get(key) for key in ("key", "sender", "text")], value.get("address")
        known = value.keys() == {each.name for each in fields(cls)} and value["manner"] in get_args(Manner)
        if not known or not isinstance(address, dict):
            raise ValueError("no message")
        if not all(isinstance(each, str) for each in (*texts, *address.values())):
            raise ValueError("no message")
        return cls(**value)


@dataclass(frozen=True, slots=True)
class Call:
    """A request to a platform's API; ``body`` is sent as JSON, or as a form where ``form`` is set."""

    url: str = field(repr=False)  # Telegram's token stands in it
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    user: str = ""
    """Name for HTTP's basic authentication, with ``password``."""
    password: str = field(default="", repr=False)
    form: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a platform said to a call: ``sent``; or ``again`` (after ``wait`` seconds); or never.

    ``reason`` is the platform's code, fit for a log: no words of a user. ``theirs``: only this user
    can't be reached (they blocked the bot); nothing is wrong with the channel.
    """

    sent: bool
    again: bool = False
    wait: float = 0
    reason: str = ""
    theirs: bool = False


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What the webhook answers at once."""

    status: int = 200
    content_type: str = "text/plain"
    body: str = ""


Lines = Sequence[tuple[str, str]]
"""A reply's lines, each with its role (:mod:`mesoguide.blocks`) before it."""


class Platform(Protocol):
    """One messaging platform, with the clinic's credentials for it."""

    name: str

    def verified(self, request: Received) -> bool:
        """Return whether the platform sent ``request``, in constant time."""

    def read(self, request: Received) -> list[Incoming]:
        """Return the users' messages in it.

        Raises
        ------
        ValueError
            The body is not what the platform sends.
        """

    def acknowledge(self, request: Received) -> Acknowledgement:
        """Return what the platform wants to hear at once."""

    def write(self, lines: Lines, buttons: Sequence[str], address: Mapping[str, str]) -> list[Call]:
        """Return the calls that send one reply: one, or more where the platform's limit forces it."""

    def outcome(self, status: int, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Return what the platform's answer to a call means."""

    def registration(self, address: str) -> list[Call]:
        """Return the calls that tell the platform where the webhook is; none where that is done by hand."""


def same(first: str, second: str) -> bool:
    """Compare two secrets in constant time; an empty one is never the same."""
    return bool(first) and hmac.compare_digest(
        first.encode("utf-8", "replace"), second.encode("utf-8", "replace")
    )


def read_object(body: bytes | str) -> dict[str, Any]:
    """Read a JSON object.

    Raises
    ------
    ValueError
        It is none.
    """
    try:
        value = json.loads(body)
    except RecursionError as cause:
        raise ValueError("too deep") from cause
    if not isinstance(value, dict):
        raise ValueError("no JSON object")  # noqa: TRY004
    return value


def answer(body: bytes) -> dict[str, Any]:
    """Read what a platform answered to a call; empty where it is no JSON object."""
    try:
        return read_object(body)
    except ValueError:
        return {}


def look(value: Any, *path: str | int) -> Any:
    """Return what stands at ``path``, None where anything on the way is missing or of another kind."""
    for step in path:
        if isinstance(step, str) and isinstance(value, dict):
            value = value.get(step)
        elif isinstance(step, int) and isinstance(value, list) and -len(value) <= step < len(value):
            value = value[step]
        else:
            return None
    return value


def word(value: Any, *path: str | int) -> str:
    """Return the text or whole number at ``path`` as text, empty where there is none."""
    found = look(value, *path)
    return str(found) if isinstance(found, str) or (isinstance(found, int) and found is not True) else ""


def items(value: Any, *path: str | int) -> list[Any]:
    """Return the list at ``path``, empty where there is none."""
    found = look(value, *path)
    return found if isinstance(found, list) else []


def seconds(value: str) -> float:
    """Read a ``Retry-After``: whole or broken seconds, at most an hour; 0 where it is none."""
    try:
        found = float(value)
    except ValueError:
        return 0.0
    return min(found, 3600.0) if found > 0 else 0.0  # what is no number at all ("nan") is not above 0
