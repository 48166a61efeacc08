"""The app, put together from its parts."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

from fastapi import Depends, FastAPI

import triage
from triage.serving import openapi, problems
from triage.serving.access.door import Access
from triage.serving.access.guard import Guard
from triage.serving.access.keys_record import KeyRecord
from triage.serving.advisor import AdvisorProvider
from triage.serving.background import background
from triage.serving.challenger import Challenger
from triage.serving.direct import Direct
from triage.serving.exceptions.correcting import Corrections
from triage.serving.exceptions.desk import ExceptionDesk
from triage.serving.exceptions.queue import ExceptionQueue
from triage.serving.handling.desk import HandlingDesk
from triage.serving.headers import SecurityHeaders
from triage.serving.idempotency import Idempotency
from triage.serving.keeping import Keep, Keeping
from triage.serving.limits import BodyLimit
from triage.serving.logs import note_of
from triage.serving.metrics import Metrics, RequestMetrics
from triage.serving.operations import Operations
from triage.serving.pages import together as pages
from triage.serving.pages.saved_views import SavedViews
from triage.serving.price_desk import PriceDesk
from triage.serving.request_id import RequestIds
from triage.serving.routes import (
    batch,
    decisions,
    events,
    exceptions,
    health,
    interventions,
    models,
    score,
    sign_in,
    stream,
    timeline,
    worklist,
)
from triage.serving.service import Service
from triage.serving.shadowing import Shadowing
from triage.serving.unfinished import finish
from triage.settings import Settings

_PARTS = (
    batch, interventions, decisions, timeline, exceptions, worklist, models, health, stream,
    pages,
)  # fmt: skip
_OF_THE_LIST = (worklist, pages)
_OF_THE_RECORD = (interventions, decisions, timeline, worklist, pages)


def wall_clock() -> int:
    """Return the time of the wall as UTC micros."""
    return time.time_ns() // 1_000


def create_app(
    advisor_provider: AdvisorProvider,
    settings: Settings,
    *,
    clock: Callable[[], int] = wall_clock,
    guard: Guard | None = None,
    challenger: Challenger | None = None,
    prices: PriceDesk | None = None,
    exception_desk: ExceptionDesk | None = None,
    queue: ExceptionQueue | None = None,
    keep: Keep | None = None,
    operations: Callable[[Keeping], Operations] | None = None,
    succession: Callable[[Service, Shadowing], AbstractAsyncContextManager[None]] | None = None,
) -> FastAPI:
    """Return the app: the API, the list, and what operation needs.

    Args:
        advisor_provider: gives the advisor in charge; raises NotReadyError until there is one, so
            that the app can start first and load after.
        settings: limits of bodies and batches.
        clock: wall clock in UTC micros; stamps answers and nothing else.
        guard: decides who may ask; without it everybody may.
        challenger: a model that scores what was answered too, unseen; if there is one, the provider
            gives an advisor from the start.
        prices: assesses prices of lines; without it answers say nothing about lines.
        exception_desk: classifies exceptions; without it that address answers "not ready".
        queue: open exceptions; without it those of the desk's log.
        keep: opens what events and decisions are kept in, as the app starts; without it no events
            are taken and nothing is recorded.
        operations: works out the figures of the operations page from what is kept.
        succession: follows promotions as long as the app runs; without it a model stays.
    """
    metrics = Metrics()

    @contextlib.asynccontextmanager
    async def lifespan(started: FastAPI) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            if keep is not None:
                kept = stack.enter_context(keep())
                kept.attend()
                _hold(service, kept)
                service.operations = None if operations is None else operations(kept)
                await stack.enter_async_context(kept.running(metrics))
                started.state.kept = kept
                if kept.decisions is not None:
                    unfinished = finish(kept.decisions, settings, lambda: service.warmed)
                    await stack.enter_async_context(background(unfinished))
                if kept.decisions is not None and guard is not None:
                    record = KeyRecord(guard.ring, kept.decisions.ledger)
                    await stack.enter_async_context(background(record.follow()))
            shadowing = await stack.enter_async_context(Shadowing(service).running())
            await shadowing.begin(challenger)
            if service.warming is not None:
                await stack.enter_async_context(service.warming.running())
            if succession is not None:
                await stack.enter_async_context(succession(service, shadowing))
            yield

    app = FastAPI(
        title="Triage",
        version=triage.__version__,
        description="Which open orders will be late, why, and what to look at first. Advisory "
        "only: the system named in `authority` stays in charge.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        telemetry={"auto_configure": True, "logs": False, "operation_spans": False},
    )
    service = Service(advisor_provider, settings, clock, metrics, prices=prices)
    service.exceptions = exception_desk
    service.queue = queue
    if queue is None and exception_desk is not None:
        service.queue = ExceptionQueue(exception_desk)
    hot = (score.router(service), events.router(service))
    for own in hot:
        app.include_router(own)
    for part in _PARTS:
        waits = [Depends(service.listed)] if part in _OF_THE_LIST else []
        waits += [Depends(service.recorded)] if part in _OF_THE_RECORD else []
        app.include_router(part.router(service), dependencies=waits)
    if guard is not None:
        app.include_router(sign_in.router(service, guard))
    app.mount("/static", pages.static_files(), name="static")
    problems.install(app)
    openapi.install(app)
    app.add_middleware(Direct, routes=[r for own in hot for r in own.routes])
    app.add_middleware(Idempotency, service=service)
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes)
    if guard is not None:
        app.add_middleware(Access, guard=guard)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(RequestMetrics, metrics=service.metrics, note=note_of(settings.log_requests))
    app.add_middleware(RequestIds)
    return app


def _hold(service: Service, kept: Keeping) -> None:
    """Let routes reach what is open while the service runs."""
    service.live, service.decisions = kept.live, kept.decisions
    service.changes, service.outcomes = kept.changes, kept.outcomes
    service.warming = kept.warming
    if kept.decisions is not None:
        service.handling = HandlingDesk(kept.decisions.ledger, kept.changes)
        if service.queue is not None:
            service.handling_exceptions = HandlingDesk(
                kept.decisions.ledger, kept.changes, service.queue.raised_at
            )
        service.views = SavedViews(kept.decisions.ledger)
        service.corrections = Corrections(kept.decisions.ledger, kept.changes)
