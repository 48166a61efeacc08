"""The list and the order page: made on the server, whole without JavaScript."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from triage.errors import TriageError
from triage.ledger.errors import StoreUnavailableError
from triage.serving import handling_forms as forms
from triage.serving import texts, waterfall, wording
from triage.serving.advisor import Advisor, NotReadyError, WorkItem
from triage.serving.exception_desk import open_exceptions
from triage.serving.handling_desk import ConflictError, UnknownItemError, select
from triage.serving.handling_view import Work, open_counts, tags, work
from triage.serving.list_address import list_url, read_query
from triage.serving.page_views import LateRow, RiskRow, Totals, late_row, risk_row, totals
from triage.serving.price_desk import odd_prices
from triage.serving.problems import InvalidInputError
from triage.serving.routes.handling import act
from triage.serving.service import Service
from triage.serving.worklist_index import Query, WorklistIndex, page

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


def _frame(service: Service, advisor: Advisor, index: WorklistIndex) -> dict[str, Any]:
    """Return what every page shows around its content."""
    return {
        "advisor": advisor,
        "info": advisor.info,
        "zone": advisor.time_zone,
        "now": advisor.now(),
        "counts": index.counts,
        "open_counts": open_counts(service.handling, index, service.clock()),
    }


def _offered(index: WorklistIndex, chosen: str) -> list[tuple[str, int]]:
    """Return the sites to choose from with their open orders: the busiest, and the chosen one."""
    busiest = dict(list(index.sites.items())[:_SITES_OFFERED])
    if chosen:
        busiest[chosen] = index.sites[chosen]
    return sorted(busiest.items())


def _rows(
    service: Service, advisor: Advisor, index: WorklistIndex, query: Query, number: int
) -> dict[str, Any]:
    desk, wall = service.handling, service.clock()
    found = select(desk, index.select(query), query, wall)
    shown = page(found, number, PAGE_SIZE)
    now, zone = advisor.now(), advisor.time_zone
    make = late_row if query.state == "already_late" else risk_row

    def labels(item: WorkItem) -> list[tuple[str, str]]:
        order = item.assessment
        return [] if desk is None else tags(desk.of_order(order.order_id), order.p_late, wall)

    rows: list[RiskRow | LateRow] = [make(item, now, zone, labels(item)) for item in shown.items]
    summary: list[Totals] = totals(found, query.state, now, tuple(advisor.policy.bands))
    return {"shown": shown, "rows": rows, "totals": summary}


def _owners(service: Service, query: Query, you: str) -> list[tuple[str, str]]:
    """Return the owners to choose from, with how many orders they have: yours first."""
    if service.handling is None:
        return []
    known = service.handling.owners()
    names = sorted({*known, *filter(None, [query.owner])} - {you}, key=str.casefold)
    mine = [(you, f"You ({known[you]:,})")] if you else []
    return mine + [(name, f"{name} ({known[name]:,})") for name in names]


def _work(service: Service, advisor: Advisor, item: WorkItem, you: str) -> Work | None:
    if service.handling is None:
        return None
    order = item.assessment
    handled = service.handling.of_order(order.order_id)
    return work(handled, order.p_late, service.clock(), advisor.time_zone, you)


def _refusal(error: TriageError) -> tuple[int, str]:
    """Return status and sentence of what kept an act from being recorded; raises any other."""
    if isinstance(error, ConflictError):
        said = str(error)
        return 409, f"{said[0].upper()}{said[1:]}."
    if isinstance(error, InvalidInputError):
        return 422, texts.DOES_NOT_FIT + error.errors[0]["detail"]
    if isinstance(error, StoreUnavailableError):
        return 503, texts.NOT_RECORDED
    if isinstance(error, UnknownItemError):
        return 404, ""
    raise error


def router(service: Service) -> APIRouter:
    """Return the routes of the pages; they are not part of the API."""
    routes = APIRouter(include_in_schema=False)
    templates = _environment()

    def render(name: str, status: int = 200, **values: object) -> HTMLResponse:
        return HTMLResponse(templates.get_template(name).render(**values), status)

    def waiting(error: NotReadyError) -> Response:
        return render("notice.html", 503, error=error, info=None)

    def order_page(
        order_id: str, request: Request, status: int = 200, refusal: str = ""
    ) -> Response:
        try:
            advisor = service.advisor()
        except NotReadyError as error:
            return waiting(error)
        index = service.index(advisor)
        item = index.by_id.get(order_id)
        if item is None:
            return render("notice.html", 404, error=None, **_frame(service, advisor, index))
        found = item.assessment
        return render(
            "order.html",
            status,
            **_frame(service, advisor, index),
            item=item,
            order=found,
            percentile=index.percentile(found.p_late),
            falls=waterfall.of(found),
            recommendations=advisor.score_id(order_id, found.as_of, ways=True).recommendations,
            odd_prices=odd_prices(service.prices, order_id),
            open_exceptions=open_exceptions(service.exceptions, order_id),
            site_url=list_url(Query(state=found.state, site=found.site or "")),
            work=_work(service, advisor, item, forms.who(request)),
            refusal=refusal,
            worse_by=forms.WORSE_BY,
        )

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
            **_frame(service, advisor, index),
            **_rows(service, advisor, index, query, number),
            query=query,
            sites=_offered(index, query.site),
            can_work=service.handling is not None,
            owners=_owners(service, query, forms.who(request)),
            list_url=list_url,
        )

    @routes.get("/orders/{order_id:path}")
    async def order(order_id: str, request: Request) -> Response:
        return order_page(order_id, request)

    @routes.post("/orders/{order_id:path}")
    async def work_on(order_id: str, request: Request) -> Response:
        form = await forms.read_form(request)
        zone = service.advisor().time_zone
        try:
            asked = forms.asked(form, forms.who(request), service.clock(), zone)
            await act(service, order_id, asked)
        except NotReadyError as error:
            return waiting(error)
        except TriageError as error:
            return order_page(order_id, request, *_refusal(error))
        return RedirectResponse(f"{order_url(order_id)}#work", 303)

    @routes.post("/you")
    async def you(request: Request) -> Response:
        form = await forms.read_form(request)
        order_id = form.get("order", "")
        back = RedirectResponse(f"{order_url(order_id)}#work" if order_id else "/", 303)
        forms.remember(back, request, form.get("name", ""))
        return back

    return routes
