"""Doing the same with many orders of the list, and undoing it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from fastapi import APIRouter
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from triage.errors import TriageError
from triage.ledger.entries import new_id
from triage.serving.advisor import NotReadyError
from triage.serving.handling import forms
from triage.serving.handling.batches import Outcome
from triage.serving.handling.requests import AnyAction, Undo
from triage.serving.pages.address import list_url, read_query
from triage.serving.pages.frame import Frame, Looking, by_script, refusal
from triage.serving.pages.page_routes import page_routes
from triage.serving.pages.worklist import PAGE_SIZE, list_page
from triage.serving.problems import InvalidInputError
from triage.serving.routes.handling import act, desk_of
from triage.serving.service import Service

_MOST_FIELDS = PAGE_SIZE * 4 + 10


async def do_all(service: Service, action: str, asked: Sequence[tuple[str, AnyAction]]) -> Outcome:
    """Do things with orders; each stands for itself, and all of them are one batch.

    Args:
        service: the service.
        action: what was asked for, as the form names it.
        asked: order and what to do with it.

    Returns:
        What was done, and what was not and why. It is remembered for the page that follows.
    """
    batch = new_id()

    async def one(order_id: str, wanted: AnyAction) -> str:
        try:
            await act(service, order_id, wanted, batch)
        except TriageError as error:
            return refusal(error)[1]
        return ""

    said = await asyncio.gather(*(one(order_id, wanted) for order_id, wanted in asked))
    results = list(zip((order_id for order_id, _ in asked), said, strict=True))
    outcome = Outcome(
        batch,
        action,
        tuple(order_id for order_id, why in results if not why),
        tuple((order_id, why) for order_id, why in results if why),
    )
    desk_of(service).batches.keep(outcome)
    return outcome


def _asked(
    service: Service, seen: Looking, fields: Sequence[tuple[str, str]]
) -> list[tuple[str, AnyAction]]:
    """Return what a form wants done with which orders."""
    form, desk = dict(fields), desk_of(service)
    if form.get("do") == "undo":
        if not seen.you:
            raise InvalidInputError([{"pointer": "/by", "detail": "say who you are first"}])
        batch = desk.batches.newest(seen.you, desk.of_order)
        acts = [] if batch is None else desk.batches.acts(batch)
        return [
            (order_id, Undo(action="undo", by=seen.you, entry=done.id))
            for order_id, done in acts
            if done.id not in desk.of_order(order_id).undone
        ]
    wanted = forms.asked(form, seen.you, seen.wall, seen.zone)
    orders = dict.fromkeys(value for name, value in fields if name == "order")
    if not orders:
        detail = "choose at least one order"
        raise InvalidInputError([{"pointer": "/order", "detail": detail}])
    return [(order_id, wanted) for order_id in orders]


def router(frame: Frame) -> APIRouter:
    """Return the route of work on many orders."""
    routes = page_routes(frame)

    @routes.post("/bulk")
    async def bulk(request: Request) -> Response:
        fields = await forms.read_fields(request, _MOST_FIELDS)
        back = QueryParams(dict(fields).get("back", ""))
        try:
            seen = frame.looking(request)
            asked = _asked(frame.service, seen, fields)
            action = dict(fields).get("do", "").partition(":")[0]
            outcome = await do_all(frame.service, action, asked)
        except NotReadyError as error:
            return frame.waiting(error)
        except TriageError as error:
            return list_page(frame, frame.looking(request), back, *refusal(error))
        if by_script(request):
            told = QueryParams({**back, "did": outcome.batch})
            return list_page(frame, frame.looking(request), told)
        query, number = read_query(back, seen)
        return RedirectResponse(list_url(query, number, did=outcome.batch), 303)

    return routes
