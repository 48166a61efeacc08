"""The address of a list says what it shows: filters, sort and page, and nothing that is usual."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from triage.serving import texts
from triage.serving.pages.columns import listed
from triage.serving.worklist_index import HandledFilter, Query, Sort, StateFilter

if TYPE_CHECKING:
    from triage.serving.pages.frame import Looking


def read_query(params: QueryParams, seen: Looking) -> tuple[Query, int]:
    """Return what an address asks for, and its page; what makes no sense counts as not said."""
    view = params.get("view")
    state: StateFilter = "already_late" if view == "already_late" else "at_risk"
    state = "all" if view == "all" else state
    sorts = texts.worklist.LATE_SORTS if state == "already_late" else texts.worklist.SORTS
    asked = params.get("sort")
    sort: Sort = next((each for each in sorts if each == asked), "priority")
    handled: HandledFilter = next(
        (each for each in texts.work.HANDLED if each == params.get("handled")), "open"
    )
    number = params.get("page", "1")
    index = seen.index

    def known(name: str, offered: Collection[str]) -> str:
        said = params.get(name, "")
        return said if said in offered else ""

    query = Query(
        state=state,
        band=known("band", seen.advisor.policy.bands) if state == "at_risk" else "",
        site=known("site", index.offered("site")),
        text=" ".join(params.get("q", "")[:200].split()),
        sort=sort,
        handled=handled,
        owner=params.get("owner", "")[:80],
        carrier=known("carrier", index.offered("carrier")),
        cause=known("cause", index.offered("cause")),
        tier=known("tier", index.offered("tier")),
        channel=known("channel", index.offered("channel")),
        exception=known("exception", seen.codes),
        group=params.get("group", "")[:300],
        mentions=params.get("mentions", "")[:80],
        columns=listed(params.get("columns", "")),
        by="cause" if params.get("by") == "cause" and state == "at_risk" else "",
    )
    sensible = number.isascii() and number.isdigit() and len(number) < 7
    return query, max(1, int(number)) if sensible else 1


def list_url(query: Query, number: int = 1, **changes: str) -> str:
    """Return the address of a list; only what differs from the default is in it."""
    pairs = _said(query, number, changes)
    return f"/?{urlencode(pairs)}" if pairs else "/"


def export_url(query: Query) -> str:
    """Return the address of the same list as a file."""
    pairs = _said(query, 1, {})
    return f"/export.csv?{urlencode(pairs)}" if pairs else "/export.csv"


def narrowed(query: Query) -> bool:
    """Return whether a list shows less than all open orders of its state."""
    return query != Query(state=query.state, sort=query.sort, by=query.by, columns=query.columns)


def _said(query: Query, number: int, changes: dict[str, str]) -> dict[str, str]:
    said = {
        "view": query.state, "q": query.text, "band": query.band, "site": query.site,
        "carrier": query.carrier, "cause": query.cause, "tier": query.tier,
        "channel": query.channel, "exception": query.exception, "group": query.group,
        "sort": query.sort, "handled": query.handled, "owner": query.owner,
        "mentions": query.mentions, "by": query.by, "columns": query.columns, "page": str(number),
    } | changes  # fmt: skip
    usual = {"view": "at_risk", "sort": "priority", "handled": "open", "page": "1"}
    return {name: value for name, value in said.items() if value and usual.get(name) != value}
