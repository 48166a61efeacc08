"""A simulated distributor with the product's own model in it, asked at every session of its people.

The model is trained by the product's recipe on what was recorded before a day. From then on the
scorer is asked, twice each working day, about every open order that has not got its stock.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from triage.advice import policy
from triage.advice.alternatives import short_lines
from triage.advice.assessment import Assessment
from triage.domain.clock import to_micros
from triage.domain.records import Order
from triage.features.facts import TIME
from triage.history.importer import import_extract
from triage.history.log import Log
from triage.history.tables import History
from triage.models.at_risk import NAME, AtRiskModel, bundle_files
from triage.models.bundle import write_bundle
from triage.serving.scorer import Scorer
from triage.serving.stock import StockBook
from triage.serving.stored import StoredOrders
from triage.simulation.calendar import DAY, HOUR, START
from triage.simulation.sample import Simulated, simulate, write_simulation
from triage.training import recipe as recipes
from triage.training.prepared import prepare
from triage.training.train import fit_all, model_numbers

SESSIONS = (8 * HOUR + 30, 13 * HOUR)
"""Minutes of the day at which people look at the list."""
_FIRST_NUMBER = 400_001
_ENDS = (
    "allocation_confirmed", "pick_released", "shipment_dispatched", "delivered", "order_cancelled"
)  # fmt: skip


@dataclass(frozen=True)
class Advised:
    """A world with a scorer that knows its log."""

    done: Simulated
    history: History
    scorer: Scorer

    @cached_property
    def _stock(self) -> StockBook:
        return StockBook.of(self.history)

    @cached_property
    def _stored(self) -> StoredOrders:
        return StoredOrders(self.history)

    def moment(self, minute: int) -> int:
        """Return a minute of the world as UTC micros."""
        return _moment(minute, self.scorer.time_zone)

    def sessions(self, since: int, until: int) -> Iterator[tuple[int, list[int]]]:
        """Yield each session's minute and the rows of open orders without their stock.

        Args:
            since: first day.
            until: day before which it ends.
        """
        book = self.scorer.engine.book
        known = book.known[: len(book)]
        late_at = book.event[: len(book), TIME["promised_by"]]
        days = self.done.world.calendar.workdays
        for day in days[(days >= since) & (days < until)].tolist():
            for clock in SESSIONS:
                now = self.moment(day * DAY + clock)
                open_ = _by(known[:, TIME["order_created"]], now) & (late_at > now)
                for name in _ENDS:
                    open_ &= ~_by(known[:, TIME[name]], now)
                yield day * DAY + clock, np.flatnonzero(open_).tolist()

    def assess(self, row: int, minute: int, *, ways: bool) -> Assessment:
        """Return what the service would say."""
        return self.scorer.score_id(
            self.scorer.engine.book.ids[row], self.moment(minute), ways=ways
        )

    def order(self, row: int) -> Order:
        """Return a stored order."""
        return self._stored.one(row)

    def number(self, row: int) -> int:
        """Return an order's number in the simulation."""
        return int(self.scorer.engine.book.ids[row].removeprefix("SO")) - _FIRST_NUMBER

    def short(self, row: int, minute: int) -> tuple[int, ...]:
        """Return the places of the lines that are short at their site, as last recorded."""
        now, order = self.moment(minute), self.order(row)
        short = short_lines(order, lambda site, sku: self._stock.at(site, sku, now))
        return tuple(sorted(line - 1 for line in short))

    def covered(self, row: int, minute: int) -> list[str]:
        """Return the sites that, as last recorded, have everything that an order asks for."""
        now, lines = self.moment(minute), self.order(row).lines
        return [
            site
            for site in self.done.world.sites.code
            if all(self._stock.at(site, line.sku, now) >= line.quantity for line in lines)
        ]


def _by(times: np.ndarray[tuple[int], np.dtype[np.int64]], now: int) -> np.ndarray[
    tuple[int], np.dtype[np.bool_]
]:  # fmt: skip
    return np.asarray((times >= 0) & (times < now))


def _moment(minute: int, time_zone: str) -> int:
    local = pd.Timestamp(START) + pd.Timedelta(minutes=int(minute))
    return to_micros(local.tz_localize(time_zone).to_pydatetime())


def advised(seed: int, orders: int, since: int, cache: Path | None) -> Advised:
    """Return a world whose model was trained as of the first minute of a day.

    Args:
        seed: of the world.
        orders: how many are placed in 420 days.
        since: that day.
        cache: where extract, home and bundle are kept for the next time; None: nowhere.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = (cache or Path(folder)) / f"{orders}-{seed}"
        home, bundle = place / "home", place / f"bundle-{since}"
        if not home.exists():
            (place / "extract").mkdir(parents=True, exist_ok=True)
            write_simulation(place / "extract", seed=seed, orders=orders, form="csv", truth=False)
            import_extract("sample", place / "extract", home)
        if not bundle.exists():
            _train(home, since, bundle)
        history = Log(home).read()
        model = AtRiskModel.load(bundle)
    return Advised(simulate(seed, orders), history, Scorer(model, "-", history, policy.load()))


def _train(home: Path, since: int, bundle: Path) -> None:
    recipe, text = recipes.load(NAME)
    prepared = prepare(home, recipe)
    moment = _moment(since * DAY, prepared.time_zone)
    fitted = fit_all(prepared, moment, recipe, lambda _: None)
    numbers = model_numbers(prepared, recipe, fitted, moment)
    trees = {landmark: model.trees for landmark, model in fitted.items()}
    write_bundle(bundle, NAME, bundle_files(numbers, prepared.features.declarations, text, trees))
