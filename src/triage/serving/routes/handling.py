"""POST /v1/worklist/{order_id}/actions and its history: what people do with an order."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from triage.serving import answers, openapi
from triage.serving.advisor import Advisor, NotReadyError
from triage.serving.handling.desk import HandlingDesk, UnknownItemError
from triage.serving.handling.requests import AnyAction, Escalate, read_action
from triage.serving.handling.schemas import ActionAnswer, HistoryAnswer, act_out, handling_out
from triage.serving.handling.state import Act
from triage.serving.limits import whole_body
from triage.serving.problems import InvalidInputError
from triage.serving.routes.reading import JSON, content_type
from triage.serving.service import Service

EXAMPLE = {"action": "assign", "by": "Ana"}
_Id = Annotated[str, Path(min_length=1, max_length=120, description="The order.")]


def desk_of(service: Service) -> HandlingDesk:
    """Return the desk.

    Raises:
        NotReadyError: if nothing is recorded, so that nothing can be done either.
    """
    if service.handling is None:
        raise NotReadyError(["a ledger"], "triage serve")
    return service.handling


def risk_of(service: Service, order_id: str) -> float | None:
    """Return an open order's probability of lateness; None if it is not on the list."""
    item = service.index(service.advisor()).by_id.get(order_id)
    return None if item is None else item.assessment.p_late


def paths(advisor: Advisor) -> list[str]:
    """Return who above can be told of an order, as the policy has it."""
    return list(dict.fromkeys(each.to for each in advisor.policy.work.escalations))


async def act(service: Service, order_id: str, asked: AnyAction, batch: str | None = None) -> Act:
    """Do what is asked.

    Args:
        service: the service.
        order_id: the order.
        asked: what to do with it.
        batch: id that it has in common with what is asked for together with it.

    Raises:
        UnknownItemError: if the order is not on the list and nothing was done with it.
        InvalidInputError: if it is escalated to somebody of whom the policy knows nothing.
    """
    if isinstance(asked, Escalate) and asked.to not in paths(service.advisor()):
        detail = "must be one of the escalation paths of the policy"
        raise InvalidInputError([{"pointer": "/to", "detail": detail}])
    desk, p_late = desk_of(service), risk_of(service, order_id)
    if p_late is None and not desk.of_order(order_id).acts:
        raise UnknownItemError("the worklist holds no order of this id")
    told = replace(asked.act(service.clock(), p_late), batch=batch)
    return await desk.act(order_id, told, asked.after)


def router(service: Service) -> APIRouter:
    """Return the routes of handling."""
    routes = APIRouter()

    @routes.post(
        "/v1/worklist/{order_id:path}/actions",
        summary="Do something with an order",
        description="Assign, snooze, note, dispose and so on; `undo` takes any of it back. "
        "Acknowledged when it is in the ledger. Changes nothing in the ERP.",
        responses={
            200: {"model": ActionAnswer, "description": "Recorded, and how the order is now."},
            **openapi.answers_with(400, 404, 408, 409, 413, 415, 422, 500, 503),
        },
        openapi_extra=openapi.reads(EXAMPLE, json="ActionRequest"),
    )
    async def action(order_id: _Id, request: Request) -> Response:
        content_type(request, JSON)
        asked = read_action(await whole_body(request))
        done = await act(service, order_id, asked)
        handled, p_late = desk_of(service).of_order(order_id), risk_of(service, order_id)
        answer = {
            "order_id": order_id,
            "entry_id": done.id,
            "seq": done.seq,
            "handling": handling_out(handled, p_late or 0.0, service.clock()),
        }
        return Response(answers.dump(answer), media_type=JSON)

    @routes.get(
        "/v1/worklist/{order_id:path}/history",
        summary="What was done with an order",
        responses={
            200: {"model": HistoryAnswer, "description": "All entries, oldest first."},
            **openapi.answers_with(404, 422, 500, 503),
        },
    )
    async def history(order_id: _Id) -> Response:
        handled, p_late = desk_of(service).of_order(order_id), risk_of(service, order_id)
        if p_late is None and not handled.acts:
            raise UnknownItemError("the worklist holds no order of this id")
        answer = {
            "order_id": order_id,
            "handling": handling_out(handled, p_late or 0.0, service.clock()),
            "entries": [act_out(each, handled) for each in handled.acts],
        }
        return Response(answers.dump(answer), media_type=JSON)

    return routes
