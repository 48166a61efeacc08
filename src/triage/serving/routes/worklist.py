"""GET /v1/worklist: the open orders, where acting prevents most per minute first."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from triage.domain.clock import from_micros
from triage.serving import answers, openapi
from triage.serving.advisor import WorkItem
from triage.serving.handling.choose import select
from triage.serving.handling.schemas import handling_out
from triage.serving.routes import handling
from triage.serving.routes.reading import JSON
from triage.serving.schemas import WorklistAnswer
from triage.serving.service import Service
from triage.serving.worklist_index import HandledFilter, StateFilter, page
from triage.serving.worklist_index import Query as WorklistQuery

_State = Annotated[StateFilter, Query(description="Which open orders.")]
_Band = Annotated[str, Query(max_length=40, description="Name of a risk band; empty means any.")]
_Text = Annotated[
    str,
    Query(max_length=200, description="Words to find in id, customer, site, destination, reasons."),
]
_Site = Annotated[str, Query(max_length=120, description="Site that ships; empty means any.")]
_Handled = Annotated[
    HandledFilter,
    Query(
        description="open: neither snoozed nor disposed. What is snoozed comes back when it ends "
        "or the risk rises. escalated: told to somebody above and not disposed."
    ),
]
_Owner = Annotated[str, Query(max_length=80, description="Whose; empty means anybody's.")]
_Number = Annotated[int, Query(ge=1, le=1_000_000, description="Page, from 1.")]
_Size = Annotated[int, Query(ge=1, le=500, description="Orders on a page.")]


def router(service: Service) -> APIRouter:
    """Return the route of the list."""
    routes = APIRouter(tags=["worklist"])
    routes.include_router(handling.router(service))

    @routes.get(
        "/v1/worklist",
        summary="Open orders in order of work",
        responses={
            200: {"model": WorklistAnswer, "description": "One page; beyond the end it is empty."},
            **openapi.answers_with(422, 500, 503),
        },
    )
    async def worklist(
        state: _State = "at_risk",
        band: _Band = "",
        q: _Text = "",
        site: _Site = "",
        handled: _Handled = "open",
        owner: _Owner = "",
        page_number: Annotated[_Number, Query(alias="page")] = 1,
        page_size: _Size = 50,
    ) -> Response:
        advisor = service.advisor()
        index = service.index(advisor)
        query = WorklistQuery(state, band, site, q, handled=handled, owner=owner)
        desk, now = service.handling, service.clock()
        shown = page(select(desk, index.select(query), query, now), page_number, page_size)

        def handled_by(item: WorkItem) -> dict[str, Any] | None:
            if desk is None:
                return None
            order = item.assessment
            return handling_out(desk.of_order(order.order_id), order.p_late, now)

        answer = {
            "as_of": from_micros(index.worklist.as_of),
            "advisory": True,
            "authority": advisor.authority,
            "model": answers.model(advisor.info),
            "policy_version": advisor.policy.version,
            "counts": index.counts | {"matching": shown.total},
            "page": shown.number,
            "pages": shown.pages,
            "page_size": shown.size,
            "groups": [answers.group(each) for each in index.worklist.groups],
            "items": [
                answers.work_item(item, index.percentile(item.assessment.p_late), handled_by(item))
                for item in shown.items
            ],
        }
        return Response(answers.dump(answer), media_type=JSON)

    return routes
