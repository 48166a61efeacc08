"""GET /v1/models: which model answers, what it does without, and which one scores unseen."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from triage.domain.clock import from_micros
from triage.models.at_risk import NAME
from triage.serving import answers, openapi
from triage.serving.challenger import Challenger
from triage.serving.routes.reading import JSON
from triage.serving.schemas import ModelsAnswer
from triage.serving.service import Service


def router(service: Service) -> APIRouter:
    """Return the route of models."""
    routes = APIRouter(tags=["models"])

    @routes.get(
        "/v1/models",
        summary="The model that answers, and its challenger",
        responses={
            200: {"model": ModelsAnswer, "description": "Champion and challenger."},
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
        answer = {
            "champion": champion,
            "challenger": _challenger(service.challenger),
            "refused": service.refused,
        }
        return Response(answers.dump(answer), media_type=JSON)

    return routes


def _challenger(named: Challenger | None) -> dict[str, Any] | None:
    if named is None:
        return None
    loaded = named.advisor
    return {
        "name": NAME,
        "version": named.version,
        "digest": named.digest,
        "since": named.since,
        "trained_as_of": None if loaded is None else from_micros(loaded.info.trained_as_of),
        "shares_state": named.shares_state,
        "problem": named.problem or None,
    }
