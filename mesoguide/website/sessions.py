"""A visitor's session: a token that only this server can have issued, and a name made from it.

The token is kept by the visitor's browser and nowhere else. Conversations are stored under a
hash of it, so that a name read in a database or a log opens no conversation.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path

from mesoguide.private_files import close

VARIABLE = "MESOGUIDE_WEBSITE_SECRET"
"""Environment variable with the secret, for several processes that share conversations."""
FEWEST_LETTERS = 16
TOKEN = re.compile(r"([A-Za-z0-9_-]{32})\.([A-Za-z0-9_-]{43})")


class Sessions:
    """Issues tokens and recognises its own, without storing any of them.

    Parameters
    ----------
    secret
        Of this server; whoever knows it can make tokens.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def issue(self) -> str:
        """Return a new token: 24 random bytes and the server's mark on them."""
        name = secrets.token_urlsafe(24)
        return f"{name}.{self._mark(name)}"

    def sender(self, token: str | None) -> str | None:
        """Return the name of the conversation that ``token`` opens, None for a token that is not ours."""
        found = TOKEN.fullmatch(token or "")
        if found is None or not hmac.compare_digest(found[2], self._mark(found[1])):
            return None
        return f"website-{hashlib.sha256(found[0].encode()).hexdigest()[:48]}"

    def name(self, door: str, sender: str) -> str:
        """Return the name of a messaging platform's conversation: nobody else can tell whose it is."""
        mark = hmac.new(self._secret, f"{door}\0{sender}".encode("utf-8", "replace"), hashlib.sha256)
        return f"{door}-{mark.hexdigest()[:48]}"

    def _mark(self, name: str) -> str:
        mark = hmac.new(self._secret, name.encode(), hashlib.sha256).digest()
        return urlsafe_b64encode(mark).rstrip(b"=").decode()


def load_secret(file: Path, environment: Mapping[str, str] = os.environ) -> bytes:
    """Return the server's secret: from the environment, or from ``file``, made if it is not there.

    Nobody but its owner can read the file afterwards.

    Raises
    ------
    ValueError
        The secret given is too short to be one.
    """
    given = environment.get(VARIABLE, "")
    if given:
        if len(given) < FEWEST_LETTERS:
            raise ValueError(f"{VARIABLE} has {len(given)} letters. Give it at least {FEWEST_LETTERS}.")
        return given.encode()
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    else:
        with os.fdopen(handle, "w") as opened:
            opened.write(secrets.token_urlsafe(32))
    close(file)
    kept = file.read_text("utf-8").strip()
    if len(kept) < FEWEST_LETTERS:
        raise ValueError(f"{file} holds no secret. Delete it: a new one is made, and open chats start anew.")
    return kept.encode()
