"""The address of a list says what it shows: filters, sort and page, and nothing that is usual."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from triage.serving import texts
from triage.serving.advisor import Advisor
from triage.serving.worklist_index import HandledFilter, Query, Sort, StateFilter, WorklistIndex


def read_query(params: QueryParams, advisor: Advisor, index: WorklistIndex) -> tuple[Query, int]:
    """Return what an address asks for, and its page; what makes no sense counts as not said."""
    state: StateFilter = "already_late" if params.get("view") == "already_late" else "at_risk"
    sorts = texts.LATE_SORTS if state == "already_late" else texts.SORTS
    asked = params.get("sort")
    sort: Sort = next((each for each in sorts if each == asked), "priority")
    handled: HandledFilter = next(
        (each for each in texts.HANDLED if each == params.get("handled")), "open"
    )
    band, site = params.get("band", ""), params.get("site", "")
    number = params.get("page", "1")
    query = Query(
        state=state,
        band=band if band in advisor.policy.bands and state == "at_risk" else "",
        site=site if site in index.sites else "",
        text=" ".join(params.get("q", "")[:200].split()),
        sort=sort,
        handled=handled,
        owner=params.get("owner", "")[:80],
    )
    sensible = number.isascii() and number.isdigit() and len(number) < 7
    return query, max(1, int(number)) if sensible else 1


def list_url(query: Query, number: int = 1, **changes: str) -> str:
    """Return the address of a list; only what differs from the default is in it."""
    said = {
        "view": query.state, "q": query.text, "band": query.band, "site": query.site,
        "sort": query.sort, "handled": query.handled, "owner": query.owner, "page": str(number),
    } | changes  # fmt: skip
    usual = {"view": "at_risk", "sort": "priority", "handled": "open", "page": "1"}
    pairs = {name: value for name, value in said.items() if value and usual.get(name) != value}
    return f"/?{urlencode(pairs)}" if pairs else "/"
