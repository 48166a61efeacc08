"""GET /v1/orders/{order_id}/timeline: everything known about one order, with both times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from triage.domain.clock import from_micros
from triage.ledger.entries import Entry
from triage.serving import answers, openapi
from triage.serving.decisions import KIND, Decision
from triage.serving.handling.schemas import act_out
from triage.serving.routes.reading import JSON
from triage.serving.schemas import TimelineAnswer
from triage.serving.service import Service

_Id = Annotated[str, Path(min_length=1, max_length=120, description="The order.")]


def timeline(service: Service, order_id: str, recorded: Sequence[Decision]) -> list[dict[str, Any]]:
    """Return what is known of an order, by when it became known.

    Args:
        service: the service.
        order_id: a stored order.
        recorded: its decisions in the ledger.

    Raises:
        OrderNotFoundError: if the log holds no such order.
    """
    found = [*_milestones(service, order_id), *_exceptions(service, order_id)]
    found += map(_said, recorded)
    if service.handling is not None:
        handled = service.handling.of_order(order_id)
        for each in handled.acts:
            shown = act_out(each, handled)
            found.append(
                {
                    "kind": "action",
                    "what": shown["action"],
                    "act_id": each.id,
                    "event_time": shown["at"],
                    "record_time": shown["at"],
                }
            )
    return sorted(found, key=lambda entry: entry["record_time"])


def _milestones(service: Service, order_id: str) -> list[dict[str, Any]]:
    return [
        {
            "kind": "milestone",
            "what": name,
            "event_time": from_micros(event),
            "record_time": from_micros(known),
        }
        for name, event, known in service.advisor().milestones_of(order_id)
    ]


def _exceptions(service: Service, order_id: str) -> list[dict[str, Any]]:
    raised = None if service.live is None else service.live.raised
    return [
        {
            "kind": "exception",
            "what": f"{told.phase}: {told.text}" if told.text else told.phase,
            "event_time": from_micros(told.event),
            "record_time": from_micros(told.known),
            "exception_id": told.exception_id,
        }
        for told in ([] if raised is None else raised.of_order(order_id))
    ]


def _said(decision: Decision) -> dict[str, Any]:
    risk = decision.answer["risk"]
    return {
        "kind": KIND,
        "what": f"{risk['p_late']:.0%} late, {risk['band']}",
        "event_time": from_micros(decision.as_of),
        "record_time": from_micros(decision.at),
        "decision_id": decision.id,
        "p_late": risk["p_late"],
    }


def router(service: Service) -> APIRouter:
    """Return the route of timelines."""
    routes = APIRouter(tags=["decisions"])

    @routes.get(
        "/v1/orders/{order_id:path}/timeline",
        summary="Everything known about an order",
        description="Milestones, exceptions, decisions on record and what people did, as each "
        "became known.",
        responses={
            200: {"model": TimelineAnswer, "description": "Oldest first."},
            **openapi.answers_with(404, 422, 500, 503),
        },
    )
    async def of_order(order_id: _Id) -> Response:
        recorded: list[Entry] = []
        if service.decisions is not None:
            recorded = await run_in_threadpool(service.decisions.ledger.of_order, order_id, KIND)
        entries = timeline(service, order_id, [Decision.of(entry) for entry in recorded])
        return Response(answers.dump({"order_id": order_id, "entries": entries}), media_type=JSON)

    return routes
