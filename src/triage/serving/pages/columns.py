"""Which columns of the list somebody wants to see: as the address says, or else the browser."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import Response

from triage.serving import texts

COOKIE = "triage_columns"
_USUAL = ("risk", "order", "loss", "promise", "why", "owner")
_WITHOUT_WORK = ("risk", "order", "loss", "promise", "why", "stage")
_YEAR_SECONDS = 365 * 24 * 3600


def usual(*, can_work: bool) -> tuple[str, ...]:
    """Return the columns that are shown to who has chosen none."""
    return _USUAL if can_work else _WITHOUT_WORK


def chosen(request: Request, said: str, *, can_work: bool) -> tuple[str, ...]:
    """Return the columns to show, in their fixed order, the order among them.

    Args:
        request: its browser remembers what was chosen there.
        said: what the address says (see `listed`); a saved view brings its own columns.
        can_work: whether people can act on orders.
    """
    for kept in (said, request.cookies.get(COOKIE, "")):
        known = _sensible(kept.split("."))
        if len(known) > 1:
            return known
    return usual(can_work=can_work)


def listed(names: str) -> str:
    """Return columns as an address says them, names with dots between; empty if it says none."""
    known = _sensible(names.split("."))
    return ".".join(known) if len(known) > 1 else ""


def remember(response: Response, request: Request, columns: Iterable[str]) -> None:
    """Keep columns in the browser; none means the usual ones."""
    response.set_cookie(
        COOKIE, ".".join(_sensible(columns)), max_age=_YEAR_SECONDS, httponly=True, samesite="lax",
        secure=request.url.scheme == "https",
    )  # fmt: skip


def _sensible(names: Iterable[str]) -> tuple[str, ...]:
    wanted = {*names, "order"}
    return tuple(name for name in texts.worklist.COLUMNS if name in wanted)
