"""The page of one order, and the work on it."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from triage.errors import TriageError
from triage.ledger.entries import MOST_CHARACTERS, new_id
from triage.serving import texts
from triage.serving.advisor import NotReadyError, WorkItem
from triage.serving.handling import forms
from triage.serving.handling.view import Work, work
from triage.serving.pages import message, risk_path, waterfall, ways
from triage.serving.pages.address import list_url
from triage.serving.pages.exceptions import exception_url, likely_next, of_order, playbooks
from triage.serving.pages.frame import Frame, Looking, order_url, refusal
from triage.serving.pages.guided import LEADS_ON, next_url
from triage.serving.pages.page_routes import page_routes
from triage.serving.pages.past import PastPages
from triage.serving.price_desk import odd_prices
from triage.serving.routes.handling import act, paths
from triage.serving.worklist_index import Query


def _work(frame: Frame, seen: Looking, item: WorkItem) -> Work | None:
    desk = frame.service.handling
    if desk is None:
        return None
    order = item.assessment
    handled = desk.of_order(order.order_id)
    return work(handled, order.p_late, seen.wall, seen.zone, seen.you)


async def _page(
    frame: Frame, seen: Looking, order_id: str, status: int = 200, refused: str = "",
    *, past: PastPages, guided: bool = False,
) -> Response:  # fmt: skip
    item = seen.index.by_id.get(order_id)
    if item is None:
        return frame.missing(seen)
    service, advisor, order = frame.service, seen.advisor, item.assessment
    handled = _work(frame, seen, item)
    advised = advisor.score_id(order_id, order.as_of, ways=True)
    return frame.render(
        "order.html",
        seen,
        status,
        item=item,
        order=order,
        percentile=seen.index.percentile(order.p_late),
        falls=waterfall.of(order, advisor.delay_shares(order_id, order.as_of)),
        if_late=advisor.late_by(order_id, order.as_of) if order.state == "at_risk" else None,
        first=advised.priority or order.priority,
        ways=ways.rows(advised.recommendations, order.currency, seen.zone),
        odd_prices=odd_prices(service.prices, order_id),
        exceptions=of_order(frame, seen, order_id),
        likely=likely_next(frame, order_id),
        books=playbooks(frame, seen, order_id),
        exception_url=exception_url,
        site_url=list_url(Query(state=order.state, site=order.site or "")),
        work=handled,
        codes=texts.work.CODES,
        past=await past.of(seen, order, handled),
        path=risk_path,
        held_out=advisor.policy.hold_out.holds(order_id),
        erp_url=advisor.policy.links.of_order(order_id),
        paths=paths(advisor),
        message=message.draft(order, advisor.now(), advisor.time_zone),
        guided=guided,
        here=texts.order.here_too(frame.presence.look(order_id, seen.you, seen.wall)),
        refusal=refused,
        worse_by=forms.WORSE_BY,
    )


def router(frame: Frame) -> APIRouter:
    """Return the routes of an order's page."""
    routes = page_routes(frame)
    service, past = frame.service, PastPages(frame.service)

    @routes.get("/orders/{order_id:path}")
    async def order(order_id: str, request: Request) -> Response:
        try:
            seen = frame.looking(request)
        except NotReadyError as error:
            return frame.waiting(error)
        guided = "guided" in request.query_params
        return await _page(frame, seen, order_id, past=past, guided=guided)

    @routes.post("/orders/{order_id:path}")
    async def work_on(order_id: str, request: Request) -> Response:
        form = await forms.read_form(request)
        guided = "guided" in form
        try:
            seen = frame.looking(request)
            asked = forms.asked(form, seen.you, seen.wall, seen.zone)
            await act(service, order_id, asked, new_id())
        except NotReadyError as error:
            return frame.waiting(error)
        except TriageError as error:
            again = frame.looking(request)
            return await _page(frame, again, order_id, *refusal(error), past=past, guided=guided)
        if guided and asked.action in LEADS_ON:
            return RedirectResponse(await next_url(frame, request), 303)
        query = "?guided=1" if guided else ""
        return RedirectResponse(f"{order_url(order_id)}{query}#work", 303)

    @routes.get("/here")
    async def here(request: Request) -> Response:
        order_id, exception_id = (
            request.query_params.get(name, "")[:MOST_CHARACTERS] for name in ("order", "exception")
        )
        at = exception_url(exception_id) if exception_id else order_id
        others = frame.presence.look(at, forms.who(request), service.clock())
        return PlainTextResponse(
            texts.order.here_too(others), headers={"cache-control": "no-store"}
        )

    @routes.post("/you")
    async def you(request: Request) -> Response:
        form = await forms.read_form(request)
        order_id, back = form.get("order", ""), form.get("back", "")
        exception_id = form.get("exception", "")
        address = f"/?{back}" if back else "/"
        if order_id or exception_id:
            item = order_url(order_id) if order_id else exception_url(exception_id)
            address = f"{item}#work"
        answer = RedirectResponse(address, 303)
        forms.remember(answer, request, form.get("name", ""))
        return answer

    return routes
