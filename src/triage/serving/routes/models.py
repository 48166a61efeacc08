"""GET /v1/models: which model answers, and what it does without."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from triage.domain.clock import from_micros
from triage.serving import answers, openapi
from triage.serving.routes.reading import JSON
from triage.serving.schemas import ModelsAnswer
from triage.serving.service import Service


def router(service: Service) -> APIRouter:
    """Return the route of models."""
    routes = APIRouter(tags=["models"])

    @routes.get(
        "/v1/models",
        summary="The model that answers",
        responses={
            200: {"model": ModelsAnswer, "description": "The champion."},
            **openapi.answers_with(500, 503),
        },
    )
    async def models() -> Response:
        advisor = service.advisor()
        info = advisor.info
        champion = {
            **answers.model(info),
            "features_version": info.features_version,
            "label_contract": info.label_contract,
            "late_means": info.late_means,
            "policy_version": advisor.policy.version,
            "trained_as_of": from_micros(info.trained_as_of),
            "families_off": [
                {"family": family, "lacks": lacks}
                for family, lacks in sorted(info.families_off.items())
            ],
        }
        return Response(answers.dump({"champion": champion}), media_type=JSON)

    return routes
