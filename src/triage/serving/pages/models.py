"""The models page: for a data scientist who wants to know what answers, and whether it should."""

from __future__ import annotations

import asyncio
import time
from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from triage.models import at_risk
from triage.serving.advisor import NotReadyError
from triage.serving.pages import models_kept
from triage.serving.pages import models_view as views
from triage.serving.pages.card import card
from triage.serving.pages.frame import Frame, Looking
from triage.serving.pages.page_routes import page_routes

_HOLDS_SECONDS = 60.0


class _Beside:
    """The comparison with the challenger, made by a thread and kept for a minute."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._held: dict[tuple[str, str], views.Beside] = {}
        self._due = float("-inf")
        self._making: asyncio.Task[None] | None = None

    def latest(self, champion: str, challenger: str) -> views.Beside | None:
        """Return the newest comparison of two models; None until the first is there."""
        pair = (champion, challenger)
        idle = self._making is None or self._making.done()
        if idle and (time.monotonic() >= self._due or pair not in self._held):
            self._due = time.monotonic() + _HOLDS_SECONDS
            self._making = asyncio.create_task(self._make(pair))
        return self._held.get(pair)

    async def _make(self, pair: tuple[str, str]) -> None:
        service = self._frame.service
        judged = {} if service.outcomes is None else dict(service.outcomes.record.judged)
        found = await asyncio.to_thread(views.read_beside, service.settings.home, *pair, judged)
        self._held = {pair: found}


def mlflow_url(frame: Frame, seen: Looking, name: str, version: str) -> str:
    """Return where MLflow shows a version, on the host that this page was asked of."""
    host, port = seen.request.url.hostname or "127.0.0.1", frame.service.settings.mlflow_port
    return (
        f"http://{host}:{port}/#/models/{quote(name, safe='')}/versions/{quote(version, safe='')}"
    )


def router(frame: Frame) -> APIRouter:
    """Return the route of the models page."""
    routes = page_routes(frame)
    service, comparing = frame.service, _Beside(frame)

    @routes.get("/models")
    async def models(request: Request) -> Response:
        try:
            seen = frame.looking(request)
        except NotReadyError as error:
            return frame.waiting(error)
        info, zone = seen.advisor.info, seen.zone
        home = service.settings.home
        kept = [
            await asyncio.to_thread(models_kept.kept, home, name, zone)
            for name in models_kept.NAMES
        ]
        named = service.challenger
        outcomes = service.outcomes
        record = None if outcomes is None else outcomes.record
        found = None if outcomes is None else outcomes.alarm.of(info.digest)
        return frame.render(
            "models.html", seen,
            kept=kept, main=next(each for each in kept if each.name == at_risk.NAME),
            holds=views.holds(
                record, info.digest, found, held_out=seen.advisor.policy.hold_out.share > 0
            ),
            alarm=views.alarm(found, seen.wall, zone), challenger=named, refused=service.refused,
            beside=[] if named is None else views.beside_words(
                comparing.latest(info.digest, named.digest)
            ),
            mlflow=lambda name, version: mlflow_url(frame, seen, name, version),
        )  # fmt: skip

    @routes.get("/models/{name}/card")
    async def model_card(request: Request, name: str) -> Response:
        try:
            seen = frame.looking(request)
        except NotReadyError as error:
            return frame.waiting(error)
        known = name in models_kept.NAMES
        told = await asyncio.to_thread(card, service.settings.home, name) if known else None
        if told is None:
            return frame.alone("no_card.html", 404)
        return frame.render("card.html", seen, model=name, card=told)

    return routes
