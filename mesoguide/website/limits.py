"""How often somebody may call: a bucket of tokens for each caller."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable

MOST_CALLERS = 20_000
"""Callers remembered; the one that called longest ago is forgotten first."""


class Limit:
    """Lets each caller call ``most`` times at once, and so often in ``seconds`` from then on.

    Parameters
    ----------
    most
        Calls.
    seconds
        In which a bucket that is empty is full again.
    clock
        Gives seconds that only grow.
    """

    def __init__(self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._rate, self._clock = most, most / seconds, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, caller: str, cost: float = 1) -> int:
        """Count a call; return 0 if it is allowed, else the whole seconds to wait (at least 1).

        A call of more work than others takes ``cost`` calls' places, at most all of them.
        """
        cost = min(cost, self._most)
        now = self._clock()
        left, last = self._buckets.pop(caller, (float(self._most), now))
        left = min(float(self._most), left + (now - last) * self._rate)
        allowed = left >= cost
        self._buckets[caller] = (left - cost if allowed else left, now)
        while len(self._buckets) > MOST_CALLERS:
            self._buckets.popitem(last=False)
        return 0 if allowed else max(1, math.ceil((cost - left) / self._rate))
