"""The models of prices and exceptions in a running service: who is promoted takes over.

A file names the champion of each. When it names another, that one is read and checked beside
requests, and takes its place between two of them. What cannot be read is refused, and said once;
the model before it goes on. The first model of a kind takes effect with the next start.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triage.errors import BundleError
from triage.models import exceptions, prices
from triage.models.champion import bundle_folder, find_champion
from triage.serving.background import background
from triage.serving.challenger import problem_of
from triage.serving.service import Service

_LOG = logging.getLogger("triage.serving")


@dataclass(slots=True)
class _Place:
    """A place that a model holds.

    Attributes:
        name: of the models that may hold it.
        digest: gives that of the model that holds it.
        load: reads a bundle (folder, digest).
        give: lets a model and its version take over.
        refused: the pointer that was refused last.
    """

    name: str
    digest: Callable[[], str]
    load: Callable[[Path, str], Any]
    give: Callable[[Any, str], None]
    refused: dict[str, Any] | None = None


class SideModels:
    """Follows the pointers of prices and exceptions.

    Args:
        home: where they are kept.
        service: what answers.
        look_seconds: how often to look.
    """

    def __init__(self, home: Path, service: Service, look_seconds: float) -> None:
        self._home, self._service, self._look_seconds = home, service, look_seconds
        self._places: list[_Place] = []
        if (desk := service.prices) is not None:
            self._places.append(
                _Place(prices.NAME, lambda: desk.model.digest, prices.PriceModel.load, self._price)
            )
        if (queue := service.queue) is not None:
            self._places.append(
                _Place(
                    exceptions.NAME, lambda: queue.desk.model.digest,
                    exceptions.ExceptionModel.load, queue.take_over,
                )
            )  # fmt: skip

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow until the service stops."""
        async with background(self._follow()):
            yield

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(self._look_seconds)
            await self.look()

    async def look(self) -> None:
        """Put in force what the pointers name now; return when it answers, or was refused."""
        for place in self._places:
            try:
                pointer = find_champion(self._home, place.name)
            except BundleError as error:
                self._refuse(place, {"digest": "", "version": ""}, error)
                continue
            if pointer is None or pointer["digest"] == place.digest() or pointer == place.refused:
                continue
            folder = bundle_folder(self._home, place.name, pointer["digest"])
            try:
                model = await asyncio.to_thread(place.load, folder, pointer["digest"])
                place.give(model, str(pointer.get("version", "")))
            except Exception as error:  # noqa: BLE001  whatever ails a model, the old one answers
                self._refuse(place, pointer, error)
                continue
            place.refused = None
            self._service.metrics.successions.labels("succeeded").inc()
            _LOG.warning("%s %s answers now", place.name, pointer["digest"][:12])

    def _price(self, model: prices.PriceModel, _: str) -> None:
        """Let a model judge prices, and decisions name it, from the next request on."""
        assert self._service.prices is not None, "a place is held"  # noqa: S101
        self._service.prices.take_over(model)
        if self._service.decisions is not None:
            self._service.decisions.judge_prices_by(model.digest)

    def _refuse(self, place: _Place, pointer: dict[str, Any], error: Exception) -> None:
        if pointer != place.refused:
            place.refused = pointer
            self._service.metrics.successions.labels("refused").inc()
            _LOG.warning(
                "the model of %s that was promoted is refused, the one before it goes on: %s",
                place.name, problem_of(error),
            )  # fmt: skip
