"""The list and the order page: made on the server, whole without JavaScript."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from triage.serving import texts, waterfall, wording
from triage.serving.advisor import Advisor, NotReadyError
from triage.serving.exception_desk import open_exceptions
from triage.serving.page_views import LateRow, RiskRow, Totals, late_row, risk_row, totals
from triage.serving.price_desk import odd_prices
from triage.serving.service import Service
from triage.serving.worklist_index import Query, Sort, StateFilter, WorklistIndex, page

PAGE_SIZE = 50
_SITES_OFFERED = 40
_HERE = Path(str(files("triage.serving")))
_STATIC = _HERE / "static"


def static_files() -> StaticFiles:
    """Return the style sheet, the script and the icon."""
    return StaticFiles(directory=_STATIC)


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    digest = hashlib.sha256(b"".join(p.read_bytes() for p in sorted(_STATIC.iterdir())))
    made.globals.update(t=texts, w=wording, assets=digest.hexdigest()[:12], order_url=order_url)
    return made


def order_url(order_id: str) -> str:
    """Return the address of an order's page."""
    return f"/orders/{quote(order_id, safe='')}"


def read_query(params: QueryParams, advisor: Advisor, index: WorklistIndex) -> tuple[Query, int]:
    """Return what an address asks for, and its page; what makes no sense counts as not said."""
    state: StateFilter = "already_late" if params.get("view") == "already_late" else "at_risk"
    sorts = texts.LATE_SORTS if state == "already_late" else texts.SORTS
    asked = params.get("sort")
    sort: Sort = next((each for each in sorts if each == asked), "priority")
    band, site = params.get("band", ""), params.get("site", "")
    number = params.get("page", "1")
    query = Query(
        state=state,
        band=band if band in advisor.policy.bands and state == "at_risk" else "",
        site=site if site in index.sites else "",
        text=" ".join(params.get("q", "")[:200].split()),
        sort=sort,
    )
    sensible = number.isascii() and number.isdigit() and len(number) < 7
    return query, max(1, int(number)) if sensible else 1


def list_url(query: Query, number: int = 1, **changes: str) -> str:
    """Return the address of a list; only what differs from the default is in it."""
    said = {
        "view": query.state, "q": query.text, "band": query.band, "site": query.site,
        "sort": query.sort, "page": str(number),
    } | changes  # fmt: skip
    usual = {"view": "at_risk", "sort": "priority", "page": "1"}
    pairs = {name: value for name, value in said.items() if value and usual.get(name) != value}
    return f"/?{urlencode(pairs)}" if pairs else "/"


def _frame(advisor: Advisor, index: WorklistIndex) -> dict[str, Any]:
    """Return what every page shows around its content."""
    return {
        "advisor": advisor,
        "info": advisor.info,
        "zone": advisor.time_zone,
        "now": advisor.now(),
        "counts": index.counts,
    }


def _offered(index: WorklistIndex, chosen: str) -> list[tuple[str, int]]:
    """Return the sites to choose from with their open orders: the busiest, and the chosen one."""
    busiest = dict(list(index.sites.items())[:_SITES_OFFERED])
    if chosen:
        busiest[chosen] = index.sites[chosen]
    return sorted(busiest.items())


def _rows(advisor: Advisor, index: WorklistIndex, query: Query, number: int) -> dict[str, Any]:
    found = index.select(query)
    shown = page(found, number, PAGE_SIZE)
    now, zone = advisor.now(), advisor.time_zone
    make = late_row if query.state == "already_late" else risk_row
    rows: list[RiskRow | LateRow] = [make(item, now, zone) for item in shown.items]
    summary: list[Totals] = totals(found, query.state, now, tuple(advisor.policy.bands))
    return {"shown": shown, "rows": rows, "totals": summary}


def router(service: Service) -> APIRouter:
    """Return the routes of the pages; they are not part of the API."""
    routes = APIRouter(include_in_schema=False)
    templates = _environment()

    def render(name: str, status: int = 200, **values: object) -> HTMLResponse:
        return HTMLResponse(templates.get_template(name).render(**values), status)

    def waiting(error: NotReadyError) -> Response:
        return render("notice.html", 503, error=error, info=None)

    @routes.get("/")
    async def worklist(request: Request) -> Response:
        try:
            advisor = service.advisor()
        except NotReadyError as error:
            return waiting(error)
        index = service.index(advisor)
        query, number = read_query(request.query_params, advisor, index)
        return render(
            "list.html",
            **_frame(advisor, index),
            **_rows(advisor, index, query, number),
            query=query,
            sites=_offered(index, query.site),
            list_url=list_url,
        )

    @routes.get("/orders/{order_id:path}")
    async def order(order_id: str) -> Response:
        try:
            advisor = service.advisor()
        except NotReadyError as error:
            return waiting(error)
        index = service.index(advisor)
        item = index.by_id.get(order_id)
        if item is None:
            return render("notice.html", 404, error=None, **_frame(advisor, index))
        found = item.assessment
        return render(
            "order.html",
            **_frame(advisor, index),
            item=item,
            order=found,
            percentile=index.percentile(found.p_late),
            falls=waterfall.of(found),
            recommendations=advisor.score_id(order_id, found.as_of, ways=True).recommendations,
            odd_prices=odd_prices(service.prices, order_id),
            open_exceptions=open_exceptions(service.exceptions, order_id),
            site_url=list_url(Query(state=found.state, site=found.site or "")),
        )

    return routes
