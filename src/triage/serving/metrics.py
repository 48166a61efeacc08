"""Numbers about the service itself, in the Prometheus text format."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from triage.serving.advisor import ModelInfo
from triage.serving.logs import Note
from triage.serving.stages import Stages

MEDIA_TYPE: Final = "text/plain; version=1.0.0; charset=utf-8; escaping=underscores"
_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_METHODS = frozenset({"GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"})


class Metrics:
    """The counters of one app, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "triage_requests", "Requests by route template, method and status.",
            ("route", "method", "status"), registry=self.registry,
        )  # fmt: skip
        self.latency = Histogram(
            "triage_request_seconds", "Seconds from request to response, by route template.",
            ("route",), buckets=_BUCKETS, registry=self.registry,
        )  # fmt: skip
        self.scores = Counter(
            "triage_scores", "Orders scored, by risk band.", ("band",), registry=self.registry
        )
        self.events = Counter(
            "triage_events", "Events that came in: accepted, duplicate or failed.", ("result",),
            registry=self.registry,
        )  # fmt: skip
        self.shadow = Counter(
            "triage_shadow", "Answers that a challenger scored too, could not in time, or failed.",
            ("result",), registry=self.registry,
        )  # fmt: skip
        self.successions = Counter(
            "triage_successions", "Models that were promoted while it ran: succeeded or refused.",
            ("result",), registry=self.registry,
        )  # fmt: skip
        self.webhooks = Counter(
            "triage_webhooks", "Webhooks that were delivered, failed once, died, were dropped or"
            " lost.", ("subscription", "result"), registry=self.registry,
        )  # fmt: skip
        self.webhooks_held = Gauge(
            "triage_webhooks_held", "Webhooks that wait, and dead letters.",
            ("subscription", "state"), registry=self.registry,
        )  # fmt: skip
        people = (
            "by what people did with the order before its outcome was known: nobody acted on it as"
            " it was held out, nobody acted on it otherwise, somebody acted on it."
        )
        self.live_answers = Gauge(
            "triage_live_answers", f"The champion's answers with an outcome, {people}",
            ("people",), registry=self.registry,
        )  # fmt: skip
        self.live_late = Gauge(
            "triage_live_late", f"Of these, how many orders were late, {people}", ("people",),
            registry=self.registry,
        )  # fmt: skip
        self.live_expected = Gauge(
            "triage_live_expected", f"How many it expected to be late, {people}", ("people",),
            registry=self.registry,
        )  # fmt: skip
        self.live_alarm = Gauge(
            "triage_live_alarm",
            "1 while the champion's answers do not hold, else 0.",
            registry=self.registry,
        )
        self.abstained = Counter(
            "triage_abstained", "Orders scored of which the answer said that it does not know.",
            registry=self.registry,
        )  # fmt: skip
        self.recording = Histogram(
            "triage_record_seconds", "Seconds until a decision was on record.", buckets=_BUCKETS,
            registry=self.registry,
        )  # fmt: skip
        self.stages = Stages(self.registry)
        self.waiting = Gauge(
            "triage_waiting", "What waits: orders to be assessed again, answers to be scored"
            " unseen, decisions to be moved into the store.", ("queue",), registry=self.registry,
        )  # fmt: skip
        self.feeds = Gauge(
            "triage_feed_age_seconds", "Seconds since the newest record of a feed.", ("feed",),
            registry=self.registry,
        )  # fmt: skip
        self.worklist = Gauge(
            "triage_worklist_orders", "Open orders by state.", ("state",), registry=self.registry
        )
        self.model = Gauge(
            "triage_model_info", "The model that answers; always 1.",
            ("name", "version", "digest"), registry=self.registry,
        )  # fmt: skip

    def scored(self, band: str, *, unsure: bool) -> None:
        """Count an order that was scored."""
        self.scores.labels(band).inc()
        if unsure:
            self.abstained.inc()

    def show(self, info: ModelInfo, counts: dict[str, int]) -> None:
        """Set what is true now: the model in charge and the size of the worklist."""
        self.model.clear()
        self.model.labels(info.name, info.version, info.digest).set(1)
        for state, count in counts.items():
            self.worklist.labels(state).set(count)

    def show_queues(self, waiting: Mapping[str, int]) -> None:
        """Set how many wait, by queue."""
        for queue, count in waiting.items():
            self.waiting.labels(queue).set(count)

    def show_feeds(self, ages: Mapping[str, float]) -> None:
        """Set how old each feed is, in seconds."""
        for feed, age in ages.items():
            self.feeds.labels(feed).set(age)

    def text(self) -> bytes:
        """Return all numbers as Prometheus reads them."""
        return generate_latest(self.registry)


class RequestMetrics:
    """Counts requests and their time under the template of the route that answered.

    Args:
        app: what answers.
        metrics: where they are counted.
        note: is told route, method, status and seconds of each, too.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, note: Note | None = None) -> None:
        self.app = app
        self.metrics = metrics
        self._note = note
        self._series = lru_cache(maxsize=1024)(self._series_of)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, note_status)
        finally:
            route = _template(scope)
            method = scope["method"] if scope["method"] in _METHODS else "other"
            requests, latency = self._series(route, method, status)
            seconds = time.perf_counter() - started
            requests.inc()
            latency.observe(seconds)
            if self._note is not None:
                self._note(route, method, status, seconds)

    def _series_of(self, route: str, method: str, status: int) -> tuple[Counter, Histogram]:
        return self.metrics.requests.labels(route, method, status), self.metrics.latency.labels(
            route
        )


def _template(scope: Scope) -> str:
    """Return the template of the matched route, so that ids in a path make no new series."""
    return str(getattr(scope.get("route"), "path", "unmatched"))
