"""One thread in which all turns run, so that a long one holds up no other request.

Rasa understands a message in one go, without giving other work a turn: in the web server's
own event loop each message would stop everything else for its time.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from functools import lru_cache
from typing import Any, TypeVar

Result = TypeVar("Result")


class Turns:
    """An event loop in a thread of its own; it ends with the process."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="turns", daemon=True).start()

    async def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run ``work`` there; wait here, without blocking, for what it returns or raises."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))


@lru_cache(maxsize=1)
def shared_turns() -> Turns:
    """Return the one that all channels of this process share: the model takes one message at a time."""
    return Turns()
