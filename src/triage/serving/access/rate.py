"""Token buckets, one a caller, in bounded memory."""

from __future__ import annotations

import ipaddress
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

MOST_CALLERS = 10_000
"""So many buckets are kept; the one that was used longest ago goes first."""


@dataclass(frozen=True, slots=True)
class Level:
    """How a bucket is after somebody wanted a token.

    Attributes:
        left: whole tokens in it.
        wait: seconds until there is one; 0 if it was given.
    """

    left: int
    wait: float


class Buckets:
    """Each holds `burst` tokens, and gets `per_second` of them back until it is full.

    Of a bucket only the moment is kept at which it will be full again.
    """

    def __init__(
        self, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.per_second, self.burst = per_second, burst
        self._clock = clock
        self._full_at: dict[str, float] = {}

    def take(self, who: str) -> Level:
        """Take a token of a caller's bucket, if there is one."""
        now = self._clock()
        full_at = max(self._full_at.pop(who, now), now)
        left = self.burst - (full_at - now) * self.per_second
        taken = left >= 1 - 1e-9
        if taken:
            full_at += 1 / self.per_second
            left -= 1
        self._full_at[who] = full_at
        if len(self._full_at) > MOST_CALLERS:
            del self._full_at[next(iter(self._full_at))]
        return Level(max(int(left + 1e-9), 0), 0.0 if taken else (1 - left) / self.per_second)

    def headers(self, level: Level) -> dict[str, str]:
        """Return what a caller is told (draft-ietf-httpapi-ratelimit-headers)."""
        window = math.ceil(self.burst / self.per_second)
        full = math.ceil((self.burst - level.left) / self.per_second)
        told = {
            "ratelimit-policy": f'"caller";q={self.burst};w={window}',
            "ratelimit": f'"caller";r={level.left};t={full}',
        }
        return told | ({"retry-after": str(math.ceil(level.wait))} if level.wait else {})


@lru_cache(maxsize=1024)
def place(address: str) -> str:
    """Return what of an address one client has: all of IPv4, the first 64 bits of IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
