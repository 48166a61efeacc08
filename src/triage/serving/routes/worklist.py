"""GET /v1/worklist: the open orders, where acting prevents most per minute first."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from triage.domain.clock import from_micros
from triage.serving import answers, openapi
from triage.serving.routes.reading import JSON
from triage.serving.schemas import WorklistAnswer
from triage.serving.service import Service
from triage.serving.worklist_index import Query as WorklistQuery
from triage.serving.worklist_index import StateFilter, page

_State = Annotated[StateFilter, Query(description="Which open orders.")]
_Band = Annotated[str, Query(max_length=40, description="Name of a risk band; empty means any.")]
_Text = Annotated[
    str,
    Query(max_length=200, description="Words to find in id, customer, site, destination, reasons."),
]
_Site = Annotated[str, Query(max_length=120, description="Site that ships; empty means any.")]
_Number = Annotated[int, Query(ge=1, le=1_000_000, description="Page, from 1.")]
_Size = Annotated[int, Query(ge=1, le=500, description="Orders on a page.")]


def router(service: Service) -> APIRouter:
    """Return the route of the list."""
    routes = APIRouter(tags=["worklist"])

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
        page_number: Annotated[_Number, Query(alias="page")] = 1,
        page_size: _Size = 50,
    ) -> Response:
        advisor = service.advisor()
        index = service.index(advisor)
        found = index.select(WorklistQuery(state=state, band=band, site=site, text=q))
        shown = page(found, page_number, page_size)
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
                answers.work_item(item, index.percentile(item.assessment.p_late))
                for item in shown.items
            ],
        }
        return Response(answers.dump(answer), media_type=JSON)

    return routes
