"""Doing the same with many orders of the list, and undoing it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

from fastapi import APIRouter
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from triage.errors import TriageError
from triage.ledger.entries import new_id
from triage.serving import texts
from triage.serving.advisor import NotReadyError
from triage.serving.handling import forms
from triage.serving.handling.batches import Outcome
from triage.serving.handling.desk import HandlingDesk
from triage.serving.handling.requests import AnyAction, Undo
from triage.serving.handling.state import Act
from triage.serving.pages.address import list_url, read_query
from triage.serving.pages.frame import Frame, Looking, by_script, refusal
from triage.serving.pages.page_routes import page_routes
from triage.serving.pages.worklist import PAGE_SIZE, list_page
from triage.serving.problems import InvalidInputError
from triage.serving.routes.handling import act, desk_of
from triage.serving.service import Service

_MOST_FIELDS = PAGE_SIZE * 4 + 10
_Asked = TypeVar("_Asked")


async def do_all(
    desk: HandlingDesk, action: str, asked: Sequence[tuple[str, _Asked]],
    doing: Callable[[str, _Asked, str], Awaitable[Act]],
) -> Outcome:  # fmt: skip
    """Do things with orders, or exceptions; each stands for itself, and all of them are one batch.

    Args:
        desk: takes what is done.
        action: what was asked for, as the form names it.
        asked: order, or exception, and what to do with it.
        doing: does it; the last argument is the batch.

    Returns:
        What was done, and what was not and why. It is remembered for the page that follows.
    """
    batch = new_id()

    async def one(order_id: str, wanted: _Asked) -> str:
        try:
            await doing(order_id, wanted, batch)
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
    desk.batches.keep(outcome)
    return outcome


def undos(desk: HandlingDesk, you: str) -> list[tuple[str, Undo]]:
    """Return what undoes the newest batch of a person of which something can be undone."""
    batch = desk.batches.newest(you, desk.of_order)
    return [
        (order_id, Undo(action="undo", by=you, entry=done.id))
        for order_id, done in ([] if batch is None else desk.batches.acts(batch))
        if done.id not in desk.of_order(order_id).undone
    ]


def chosen(fields: Sequence[tuple[str, str]], detail: str) -> list[str]:
    """Return what was chosen in a list.

    Raises:
        InvalidInputError: saying `detail` if nothing was.
    """
    names = list(dict.fromkeys(value for name, value in fields if name == "order"))
    if not names:
        raise InvalidInputError([{"pointer": "/order", "detail": detail}])
    return names


def _asked(
    service: Service, seen: Looking, fields: Sequence[tuple[str, str]]
) -> list[tuple[str, AnyAction]]:
    """Return what a form wants done with which orders."""
    form, desk = dict(fields), desk_of(service)
    if form.get("do") == "undo":
        forms.require_name(seen.you)
        return list(undos(desk, seen.you))
    wanted = forms.asked(form, seen.you, seen.wall, seen.zone)
    return [(order_id, wanted) for order_id in chosen(fields, texts.work.CHOOSE_ORDERS)]


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
            doing = partial(act, frame.service)
            outcome = await do_all(desk_of(frame.service), action, asked, doing)
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
