"""Guided work: take the next order of the list, handle it or pass it on, take the next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from triage.domain.clock import MICROS_PER_HOUR
from triage.errors import TriageError
from triage.ledger.entries import new_id
from triage.serving.advisor import NotReadyError, WorkItem
from triage.serving.handling import forms
from triage.serving.handling.choose import select
from triage.serving.handling.desk import ConflictError, HandlingDesk
from triage.serving.handling.state import Act, State
from triage.serving.pages.frame import Frame, Looking, order_url, refusal
from triage.serving.pages.page_routes import page_routes
from triage.serving.routes.handling import desk_of
from triage.serving.worklist_index import Query

LEADS_ON: Final = ("dispose", "snooze", "skip")
"""What ends the work on an order in guided mode, so that the next comes."""
PASSED_HOURS: Final = 8
"""Hours in which nobody is given again what they passed on."""


def waiting(desk: HandlingDesk, seen: Looking) -> Iterator[WorkItem]:
    """Yield what can be given to somebody, in order of work.

    Open, nobody's, not held out, not passed on by them lately; what fits into people's time comes
    first.
    """
    query = Query(state="at_risk")
    found = select(desk, seen.index.select(query), query, seen.wall)
    holds = seen.advisor.policy.hold_out.holds
    for fits in (True, False):
        for item in found:
            order_id = item.assessment.order_id
            free = is_free(desk.of_order(order_id).state, seen)
            if item.fits is fits and free and not holds(order_id):
                yield item


def is_free(state: State, seen: Looking) -> bool:
    """Return whether something is nobody's and was not passed on lately by who looks."""
    since = seen.wall - PASSED_HOURS * MICROS_PER_HOUR
    passed = any(act.by == seen.you and act.at > since for act in state.skips)
    return state.owner is None and not passed


async def claim(desk: HandlingDesk, seen: Looking) -> str | None:
    """Give the next order to who asks; return its id, None if nothing waits.

    Two who ask at once never get the same: an order is only taken as nobody's, and acts on one
    order come one after the other.

    Raises:
        StoreUnavailableError: if it cannot be recorded.
    """
    taking = Act("assign", seen.you, seen.you, batch=new_id(), at=seen.wall)
    names = (item.assessment.order_id for item in waiting(desk, seen))
    return await first_taken(desk, ((name, taking, None) for name in names))


async def first_taken(
    desk: HandlingDesk, takings: Iterable[tuple[str, Act, str | None]]
) -> str | None:
    """Record the first act of some that take something which is nobody's; return of what.

    Args:
        desk: records it.
        takings: order and act; or exception, act and the order that it names.
    """
    for name, taking, named in takings:
        try:
            await desk.act(name, taking, desk.of_order(name).last or "", named=named)
        except ConflictError:
            continue
        return name
    return None


async def next_url(frame: Frame, request: Request) -> str:
    """Return the address of the next order, which is now theirs who asks.

    Raises:
        InvalidInputError: if it is not known who asks.
        NotReadyError: if nothing is recorded.
    """
    seen, desk = frame.looking(request), desk_of(frame.service)
    forms.require_name(seen.you)
    order_id = await claim(desk, seen)
    return "/next?done=1" if order_id is None else f"{order_url(order_id)}?guided=1"


def router(frame: Frame) -> APIRouter:
    """Return the routes of guided work."""
    routes = page_routes(frame)

    def page(request: Request, status: int = 200, refused: str = "") -> Response:
        seen, desk = frame.looking(request), desk_of(frame.service)
        own = Query(owner=seen.you)
        mine = select(desk, seen.index.select(own), own, seen.wall) if seen.you else []
        left = list(waiting(desk, seen))
        return frame.render(
            "next.html",
            seen,
            status,
            left=len(left),
            fitting=sum(item.fits for item in left),
            mine=[item.assessment for item in mine[:10]],
            mine_count=len(mine),
            done="done" in request.query_params,
            refusal=refused,
            guided=True,
        )

    @routes.get("/next")
    async def offered(request: Request) -> Response:
        try:
            return page(request)
        except NotReadyError as error:
            return frame.waiting(error)

    @routes.post("/next")
    async def take(request: Request) -> Response:
        await forms.read_form(request)
        try:
            return RedirectResponse(await next_url(frame, request), 303)
        except NotReadyError as error:
            return frame.waiting(error)
        except TriageError as error:
            return page(request, *refusal(error))

    return routes
