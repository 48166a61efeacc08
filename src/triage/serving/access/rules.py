"""What each address needs, and where a request comes from."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Literal
from urllib.parse import urlsplit

from triage.serving.access.keys import Scope

Need = tuple[Scope, ...]
"""Scopes of which a key has to have one; empty means that no key is needed."""

_NOTHING: Need = ()
_ADMIN: Need = ("admin",)
_LIST: Need = ("worklist",)
_NEEDS: dict[str, Need] = {
    "/v1/score": ("score",),
    "/v1/exceptions": ("score",),
    "/v1/models": ("score", "worklist"),
    "/playbooks": ("score", "worklist"),
    "/v1/events": ("events",),
    "/v1/interventions": ("events", "worklist"),
    "/v1/stream": _LIST,
    "/v1/worklist": _LIST,
    "/v1/decisions": _LIST,
    "/v1/orders": _LIST,
    "/metrics": ("metrics",),
    "/livez": _NOTHING,
    "/readyz": _NOTHING,
    "/openapi.json": _NOTHING,
    "/static": _NOTHING,
    "/sign-in": _NOTHING,
    "/sign-out": _NOTHING,
}
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
Sender = Literal["own", "foreign", "unsaid"]


def needed(path: str) -> Need:
    """Return what a path needs by its first two parts, or its first.

    If neither is listed: below `/v1/` admin, anywhere else what the pages of the list need.
    """
    found = _NEEDS.get(path)
    if found is None:
        _, first, *rest = path.split("/", 3)
        found = _NEEDS.get(f"/{first}/{rest[0]}" if rest else "")
        if found is None:
            found = _NEEDS.get(f"/{first}", _ADMIN if first == "v1" else _LIST)
    return found


def is_page(path: str) -> bool:
    """Return whether people may look at this path in a browser."""
    return not path.startswith(("/v1/", "/metrics"))


@lru_cache(maxsize=1024)
def is_loopback(name: str) -> bool:
    """Return whether an address or the name of a host means this machine only."""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False


@lru_cache(maxsize=1024)
def names_this_machine(host: bytes) -> bool:
    """Return whether a Host header names this machine, and not a name that DNS made point here."""
    try:
        name = urlsplit(f"//{host.decode('ascii')}").hostname
    except ValueError:
        return False
    return name is not None and is_loopback(name)


def sender(site: bytes | None, origin: bytes | None, host: bytes | None) -> Sender:
    """Return whose page sent a request.

    A browser says it in `Sec-Fetch-Site`, or `Origin` where that is not sent; who says nothing is
    no browser.

    Args:
        site: `Sec-Fetch-Site`.
        origin: `Origin`.
        host: `Host`.
    """
    if site is not None:
        return "own" if site == b"same-origin" else "foreign"
    if origin is None:
        return "unsaid"
    return "own" if host is not None and origin.partition(b"://")[2] == host else "foreign"
