"""Scores orders: one index, one row, one kernel call, one curve; no frame, no registry, no thread.

Stored orders are scored as of their last stage and conditioned on having waited since; an order
that was sent whole takes the same path without entering the book.
"""

from __future__ import annotations

import math
import struct
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import lru_cache, partial
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from triage.advice.alternatives import Scored
from triage.advice.assessment import Assessment
from triage.advice.causes import Causes
from triage.advice.deadlines import Deadlines, Roads
from triage.advice.policy import Policy
from triage.advice.reasons import DelayDays, Explainer
from triage.advice.steps import UsualSteps, WorkingTime
from triage.domain.clock import (
    MICROS_PER_DAY,
    MICROS_PER_MINUTE,
    UNKNOWN_TIME,
    from_micros,
    to_micros,
)
from triage.domain.records import (
    ExceptionEvent,
    InboundSupply,
    InventoryPosition,
    Milestone,
    Order,
    Record,
    Staffing,
    newest,
)
from triage.errors import OrderNotFoundError, RequestError
from triage.features.book import OrderRow
from triage.features.compile import Floats, Ints
from triage.features.engine import FeatureEngine
from triage.features.facts import MILESTONES, NUMBERS, TIME
from triage.history.tables import History
from triage.models.at_risk import NAME, AtRiskModel, Curves, Prediction, Stage, predict
from triage.models.calibration import TIMES_WEEK_DAYS, RecentTimes, recent_curve, residuals
from triage.models.delay_parts import delay_parts
from triage.models.landmarks import WAITING, WAITING_FROM, Rows, landmark_rows, stage_of
from triage.models.late_by import late_by
from triage.models.spread import Moves
from triage.serving.advisor import ModelInfo, Worklist
from triage.serving.feeds import Feeds
from triage.serving.shown import ShownOrder, ShownOrders
from triage.serving.stored import StoredOrders
from triage.serving.work import Work

_CREATED, _DELIVERED = TIME["order_created"], TIME["delivered"]
_CANCELLED, _PROMISED = TIME["order_cancelled"], TIME["promised_by"]
_STARTS = TIME["starts_at"]
_VALUE = NUMBERS.index("value")
_WITHOUT_STOCK = frozenset({"order_created", "order_validated"})
_SHORTEST_PROMISE_DAYS = 1.0 / 1440


class _Predicted(NamedTuple):
    """A prediction with the landmark that it was made at; times in UTC micros."""

    said: Prediction
    stage: Stage
    x: Floats
    stage_at: int
    begins: int
    promise_days: float
    waited_days: float
    late_at: int


class Scorer:
    """The champion with the state of the log: answers for stored orders and for whole ones.

    Args:
        model: the champion's bundle.
        version: its version in the registry.
        history: the log.
        policy: bands, reasons, freshness.
        clock: gives the moment that counts as now, UTC micros; by default always the extract's.
        engine: the log's records in an engine, if one is there already.
    """

    def __init__(
        self,
        model: AtRiskModel,
        version: str,
        history: History,
        policy: Policy,
        *,
        clock: Callable[[], int] | None = None,
        engine: FeatureEngine | None = None,
    ) -> None:
        self.model = model
        self.policy = policy
        self.engine = engine or FeatureEngine.of(history, model.features)
        self._newest = history.extracted_at
        self.feeds = Feeds(history)
        self._clock = clock or (lambda: self._newest)
        self._tolerance = model.features.program.tolerance
        self._regulated = frozenset(policy.work.exposure.regulated_categories)
        self._shown = ShownOrders.of(history, self._regulated)
        self._stored = StoredOrders(history)
        self._explainers = {
            name: Explainer(stage, model.features) for name, stage in model.stages.items()
        }
        self._causes = {
            name: Causes(name, stage.numbers.inputs, model.features)
            for name, stage in model.stages.items()
        }
        numbers = model.numbers
        self._working_time = WorkingTime(
            numbers.time_zone, numbers.country, numbers.worked_holidays
        )
        self._steps, deadlines = self._usual()
        self._work = Work(
            policy.work, history, self.engine.book, deadlines, model.numbers.trained_as_of,
            model.numbers.time_zone, self._asked,
        )  # fmt: skip
        names = self.engine.names
        self._row = np.empty(len(names), dtype=np.float64)
        self._columns = {
            name: np.array([names.index(i) for i in stage.numbers.inputs], dtype=np.int64)
            for name, stage in model.stages.items()
        }
        self._needs = {
            name: self.engine.needs(stage.numbers.inputs) for name, stage in model.stages.items()
        }
        self._meanings = {slot.name: slot.meaning for slot in model.features.slots}
        self._stages_backwards = [(n, TIME[n]) for n in reversed(MILESTONES) if n in model.stages]
        self._rows_of: dict[str, Rows] = {}
        self._rows_until = self._curves_until = self._newest
        self._curve = lru_cache(maxsize=256)(self._curve_as_of)
        self._worklist: Worklist | None = None
        self._full_as_of = UNKNOWN_TIME
        self._assessed: dict[str, Assessment] = {}
        self._moved: dict[str, None] = {}
        self._resort = False
        self._ranked_at = -math.inf
        self.info = ModelInfo(
            NAME, version, model.digest, model.features.declarations.fingerprint,
            model.numbers.contract.version, model.numbers.contract.meaning,
            model.numbers.trained_as_of, dict(model.features.switched_off),
        )  # fmt: skip

    @property
    def authority(self) -> str:
        """Return the name of the system that stays authoritative."""
        return self.policy.authority

    @property
    def time_zone(self) -> str:
        """Return the zone in which the log's days are local."""
        return self.model.numbers.time_zone

    def note(self, record: Record) -> None:
        """Take in one record that the engine has taken in already.

        What is said afterwards does not depend on the order in which records come.
        """
        known = to_micros(record.record_time)
        self._newest = max(self._newest, known)
        self.feeds.note(record)
        if isinstance(record, InventoryPosition):
            self._work.add_position(record)
        elif isinstance(record, InboundSupply):
            self._work.add_supply(record)
        elif not isinstance(record, Staffing):
            if isinstance(record, Order):
                self._note_order(record)
            if record.order_id:
                self._moved[record.order_id] = None
            before = known < self.model.numbers.trained_as_of
            if before and not isinstance(record, ExceptionEvent):
                self._usual_stale = True
        if known < self._curves_until:  # curves that were drawn without it
            self._curve.cache_clear()
            self._rows_until = UNKNOWN_TIME

    def _note_order(self, order: Order) -> None:
        if self.engine.book.row_of[order.order_id] == len(self._shown):
            self._shown.add(ShownOrder.of_order(order, self._regulated))
            self._stored.add(order)
            self._work.add_order(order)

    @property
    def shown(self) -> ShownOrders:
        """Return the names by which people know the stored orders, by row of the book."""
        return self._shown

    @property
    def tolerance(self) -> int:
        """Return micros after the promise from which on an order is late."""
        return self._tolerance

    def now(self) -> int:
        """Return the moment that counts as now, UTC micros."""
        return self._clock()

    def score_id(
        self, order_id: str, as_of: int | None = None, *, ways: bool = False
    ) -> Assessment:
        """Assess a stored order; with `ways`, look for other ways too.

        Raises:
            OrderNotFoundError: if the log holds no such order.
            RequestError: if it is closed, or `as_of` is before it was known or after now.
        """
        at = self._row_of(order_id)
        now = self.now()
        moment = now if as_of is None else as_of
        if moment > now:
            raise RequestError(f"as_of is after {from_micros(now).isoformat()}, the log's now")
        row, order = self.engine.book.row(at), partial(self._stored.one, at)
        said = self._assess(order_id, row, moment, self._shown.of_row(at), order)
        return self._work.with_recommendations(said, row, order) if ways else said

    def score_order(
        self, order: Order, milestones: Sequence[Milestone] = (), as_of: int | None = None,
        *, ways: bool = False,
    ) -> Assessment:  # fmt: skip
        """Assess an order that was sent whole; it is not stored. `ways` as in `score_id`.

        Without `as_of` the moment is now, or the newest record sent if that is later.

        Raises:
            RequestError: if it is closed, or `as_of` is before it was known.
        """
        for milestone in milestones:
            if milestone.order_id != order.order_id:
                raise RequestError("a milestone names another order than the one that was sent")
        row = self.engine.book.draft(order, milestones)
        moment = newest(order, milestones, self.now()) if as_of is None else as_of
        shown = ShownOrder.of_order(order, self._regulated)
        said = self._assess(order.order_id, row, moment, shown, lambda: order)
        return self._work.with_recommendations(said, row, lambda: order) if ways else said

    def milestones_of(self, order_id: str) -> list[tuple[str, int, int]]:
        """Return milestone, event time and record time (UTC micros) of what an order has reached.

        Raises:
            OrderNotFoundError: if the log holds no such order.
        """
        row = self.engine.book.row(self._row_of(order_id))
        event, known = row.event.tolist(), row.known.tolist()
        return [
            (name, event[TIME[name]], known[TIME[name]])
            for name in MILESTONES
            if known[TIME[name]] != UNKNOWN_TIME
        ]

    def risk_then(self, order_id: str, moment: int) -> float:
        """Return p(late) of a stored order from what was known of it at a past moment.

        With the calibration of now: what moves it is what happened, and it costs a score, not the
        drawing of a past day's curves.

        Args:
            order_id: the order.
            moment: UTC micros; before the promise passes, and not before the order was known.

        Raises:
            OrderNotFoundError: if the log holds no such order.
            RequestError: if it was not open then.
        """
        at = self._row_of(order_id)
        row = self.engine.book.row(at)
        _check_open(row.known.tolist(), moment)
        return self._predict(row, moment, self._shown.of_row(at), self.now()).said.p_late

    def delay_shares(self, order_id: str, moment: int) -> DelayDays:
        """Return what the middle of a stored order's delivery is made of, in days.

        Args:
            order_id: the order.
            moment: UTC micros; as of when it was assessed.

        Raises:
            OrderNotFoundError: if the log holds no such order.
            RequestError: if no stage that the model knows was reached by then.
        """
        parts = delay_parts(*(found := self._found(order_id, moment)))
        return self._explainers[found[0].name].days(parts)

    def late_by(self, order_id: str, moment: int) -> tuple[float, float]:
        """Return p10 and p90 of the delay of a stored order if it is late, in days.

        Args:
            order_id: the order; its promise has not passed.
            moment: UTC micros; as of when it was assessed.

        Raises:
            OrderNotFoundError: if the log holds no such order.
            RequestError: if no stage that the model knows was reached by then.
        """
        return late_by(*self._found(order_id, moment))

    def _found(
        self, order_id: str, moment: int
    ) -> tuple[Stage, Curves, Floats, float, Prediction, Moves]:
        at = self._row_of(order_id)
        shown = self._shown.of_row(at)
        found = self._predict(self.engine.book.row(at), moment, shown)
        curves = self._curve(found.stage.name, moment // MICROS_PER_DAY * MICROS_PER_DAY)
        moves = found.stage.numbers.spread.moves(shown.parted())
        return found.stage, curves, found.x, found.promise_days, found.said, moves

    def _row_of(self, order_id: str) -> int:
        at = self.engine.book.row_of.get(order_id)
        if at is None:
            raise OrderNotFoundError(
                "the log holds no order with this id: send the order whole, or import it first"
            )
        return at

    def worklist(self) -> Worklist:
        """Return every open order in rank order: at risk first, then already late.

        Ranked anew once it is older than the policy's freshness, or records came in since: then
        only the orders that they are about are assessed again.
        """
        now = self.now()
        holds = round(self.policy.freshness.stale_after_minutes * MICROS_PER_MINUTE)
        if self._worklist is None or now - self._full_as_of > holds:
            self._full_as_of = now
            self._worklist = self._rank(now, None)
        elif (self._moved or self._resort) and self._rests():
            self._worklist = self._rank(now, self._moved)
        return self._worklist

    @property
    def ranked(self) -> bool:
        """Return whether there is a list yet."""
        return self._worklist is not None

    @property
    def ranked_whole_at(self) -> int:
        """Return as of when (UTC micros) the list was ranked as a whole last."""
        return self._full_as_of

    def draw(self, stage: str) -> None:
        """Draw the curves of a stage as of now, for which its first score would wait else."""
        self._curve(stage, self.now() // MICROS_PER_DAY * MICROS_PER_DAY)

    def ranking(self, most: int) -> Iterator[int]:
        """Make the first list in steps of so many orders; yield how many wait after each.

        Records may be taken in between two steps.
        """
        now = self.now()
        rows = self._open(np.arange(len(self.engine.book)), now)
        for at in range(0, len(rows), most):
            if self.ranked:
                return
            self._assess_rows(rows[at : at + most], now)
            yield max(len(rows) - at - most, 0)
        if not self.ranked:
            self._full_as_of = now
            self._worklist = self._rank(now, self._moved)

    def assessments(self) -> Iterable[tuple[str, Assessment]]:
        """Return what the list says of each order on it."""
        return self._assessed.items()

    def reassess(self, names: Collection[str]) -> list[Assessment | None]:
        """Assess stored orders as of now, for the list too; None: it is not open."""
        self._renew(names, self.now())
        self._resort = True
        for name in names:
            self._moved.pop(name, None)
        return [self._assessed.get(name) for name in names]

    def assessed_before(self, moment: int) -> list[str]:
        """Return the orders on the list that were assessed before a moment (UTC micros)."""
        return [name for name, said in self._assessed.items() if said.as_of < moment]

    def overtaken(self) -> list[str]:
        """Return the orders on the list that a moment passed of since they were assessed.

        Once its promise has passed an order is late; after its last moment an action helps no more.
        """
        now, found = self.now(), []
        for name, said in self._assessed.items():
            latest = None if said.priority is None else said.priority.decide_by
            late_at = said.promised_by + self._tolerance
            if said.as_of < late_at <= now or (latest is not None and said.as_of < latest <= now):
                found.append(name)
        return found

    def stale_feeds(self, moment: int) -> tuple[str, ...]:
        """Return the feeds that had told nothing new for too long at a moment (UTC micros).

        By the records that are known now: of a past moment only what is still silent is told.
        """
        return self.feeds.stale(moment, self.policy.freshness.hours_of)

    def order_of(self, order_id: str | None) -> Order | None:
        """Return a stored order; None if there is none."""
        at = None if order_id is None else self.engine.book.row_of.get(order_id)
        return None if at is None else self._stored.one(at)

    def way_of(self, order_id: str) -> tuple[str | None, str | None]:
        """Return site and carrier of a stored order; None for what is not known."""
        at = self.engine.book.row_of.get(order_id)
        return (None, None) if at is None else (self._shown.site[at], self._shown.carrier[at])

    def sharing(
        self,
        sites: Collection[str | None],
        carriers: Collection[str | None],
        stocked: Collection[str | None],
    ) -> list[str]:
        """Return the orders on the list that share one of some sites or carriers.

        Args:
            sites: where something happened on the floor.
            carriers: with which something happened on the road.
            stocked: sites whose stock changed: orders that have theirs already do not wait for it.
        """
        return [
            name
            for name, said in self._assessed.items()
            if said.site in sites
            or said.carrier in carriers
            or (said.site in stocked and said.stage in _WITHOUT_STOCK)
        ]

    def _rests(self) -> bool:
        """Return whether the list has stood for as long as the policy lets it."""
        return time.monotonic() - self._ranked_at >= self.policy.freshness.list_seconds

    def _rank(self, now: int, moved: Collection[str] | None) -> Worklist:
        """Return the list of what is open, with some orders (None: all) assessed anew."""
        book = self.engine.book
        self._renew(moved, now)
        self._moved, self._resort, self._ranked_at = {}, False, time.monotonic()
        return self._work.ranked(
            now, self._assessed, lambda name: self._stored.one(book.row_of[name])
        )

    def _renew(self, names: Collection[str] | None, now: int) -> None:
        """Assess some orders (None: all) anew; those that are not open leave the list."""
        book = self.engine.book
        if names is None:
            self._assessed, looked_at = {}, np.arange(len(book))
        else:
            named = [book.row_of[name] for name in names if name in book.row_of]
            looked_at = np.array(named, dtype=np.int64)
            for name in names:
                self._assessed.pop(name, None)
        self._assess_rows(self._open(looked_at, now), now)

    def _assess_rows(self, rows: Sequence[int], now: int) -> None:
        book, order = self.engine.book, self._stored.reader(rows)
        for at in rows:
            name = book.ids[at]
            self._assessed[name] = self._assess(
                name, book.row(at), now, self._shown.of_row(at), partial(order, at)
            )

    def _open(self, rows: Ints, now: int) -> list[int]:
        """Return those of some rows whose order is known and not closed."""
        known = self.engine.book.known[rows]
        closed = _by(known[:, _DELIVERED], now) | _by(known[:, _CANCELLED], now)
        open_rows: list[int] = rows[_by(known[:, _CREATED], now) & ~closed].tolist()
        return open_rows

    def _predict(
        self, row: OrderRow, as_of: int, shown: ShownOrder, calibrated: int | None = None
    ) -> _Predicted:
        """Return what the model says of a row as of one moment, and at which landmark.

        `calibrated` is the moment as of which curves are drawn: `as_of` if None.
        """
        known = row.known.tolist()
        late_at = int(row.event[_PROMISED]) + self._tolerance
        stage = self._stage(known, as_of, late_at)
        stage_at = known[TIME[stage.name]]
        begins = max(stage_at, int(row.event[_STARTS]))
        waiting = self.model.stages.get(f"{stage.name}{WAITING}")
        if waiting is not None and begins + WAITING_FROM * (late_at - begins) <= as_of < late_at:
            stage, begins = waiting, as_of
        self.engine.vector(row, min(begins, as_of), self._row, self._needs[stage.name])
        x = self._row[self._columns[stage.name]]
        promise_days = max((late_at - begins) / MICROS_PER_DAY, _SHORTEST_PROMISE_DAYS)
        waited_days = max((as_of - begins) / MICROS_PER_DAY, 0.0)
        drawn = as_of if calibrated is None else calibrated
        curve = self._curve(stage.name, drawn // MICROS_PER_DAY * MICROS_PER_DAY)
        moves = stage.numbers.spread.moves(shown.parted())
        said = predict(stage, curve, x, promise_days, waited_days, moves)
        return _Predicted(said, stage, x, stage_at, begins, promise_days, waited_days, late_at)

    def _asked(self, order: Order, row: OrderRow, as_of: int) -> Scored:
        """Return what the model says of an order as changed."""
        found = self._predict(row, as_of, ShownOrder.of_order(order, self._regulated))
        unfamiliar = tuple(self._meanings[name] for name in found.stage.unfamiliar(found.x))
        return Scored(found.said.p_late, found.said.delay_days, unfamiliar)

    def _assess(
        self, order_id: str, row: OrderRow, as_of: int, shown: ShownOrder,
        order: Callable[[], Order],
    ) -> Assessment:  # fmt: skip
        if self._usual_stale:
            self._steps, deadlines = self._usual()
            self._work.settle(deadlines)
        known = row.known.tolist()
        _check_open(known, as_of)
        promised_by = int(row.event[_PROMISED])
        found = self._predict(row, as_of, shown)
        prediction, stage, x, late_at = found.said, found.stage, found.x, found.late_at
        stage_at, begins = found.stage_at, found.begins
        promise_days, waited_days = found.promise_days, found.waited_days
        explained = self._explainers[stage.name].explain(
            prediction, x, promise_days, waited_days, self.policy.reasons.top,
            scheduled=begins > stage_at,
        )  # fmt: skip
        low, high = prediction.bounds
        unfamiliar = [self._meanings[name] for name in stage.unfamiliar(x)]
        value = float(row.numbers[_VALUE])
        revenue = 0.0 if value != value else value  # noqa: PLR0124 - NaN: no lines
        missing, unknown = self._gaps(shown)
        stale = self.stale_feeds(as_of)
        said = Assessment(
            order_id=order_id,
            state="already_late" if as_of >= late_at else "at_risk",
            stage=stage_of(stage.name),
            stage_at=stage_at,
            as_of=as_of,
            promised_by=promised_by,
            p_late=explained.p_late,
            bounds=(min(low, explained.p_late), max(high, explained.p_late)),
            typical=explained.typical,
            band=self.policy.band(explained.p_late),
            delay_days=prediction.delay_days,
            reasons=explained.reasons,
            other_pp=explained.other_pp,
            revenue=revenue,
            currency=shown.currency,
            customer=shown.customer,
            site=shown.site,
            destination=shown.destination,
            missing=missing,
            unknown=unknown,
            stale=stale,
            unsure=self.policy.abstain.unsure(prediction.bounds, unfamiliar, stale),
            causes=self._causes[stage.name].shares(
                prediction.effects,
                prediction.promise_effect,
                prediction.waiting_effect,
                self._steps.delays(row.event.tolist(), known, as_of),
            ),
            carrier=shown.carrier,
            channel=shown.channel,
            exact=_bits(x, prediction),
            exposure=self._work.exposure(revenue, explained.p_late, prediction.delay_days, shown),
        )
        return self._work.placed(said, shown, order)

    def _stage(self, known: list[int], as_of: int, late_at: int) -> Stage:
        """Return the latest stage reached by `as_of` and before the promise passed.

        Where every stage came after the promise, the first that was reached.
        """
        reached = None
        for name, column in self._stages_backwards:
            moment = known[column]
            if moment != UNKNOWN_TIME and moment <= as_of:
                reached = name
                if moment < late_at:
                    break
        if reached is None:
            raise RequestError("no stage that the model knows was reached by this moment")
        return self.model.stages[reached]

    def _usual(self) -> tuple[UsualSteps, Deadlines]:
        """Return what steps and roads usually take, as known when the model was trained."""
        self._usual_stale = False
        moment, book = self.model.numbers.trained_as_of, self.engine.book
        steps = UsualSteps.of(book, moment, self._working_time)
        lanes = list(
            zip(self._shown.site, self._shown.destination, self._shown.service, strict=True)
        )
        return steps, Deadlines(steps, Roads.of(book, lanes, moment, self._working_time))

    def _curve_as_of(self, landmark: str, moment: int) -> Curves:
        if moment > self._rows_until:
            self._rows_of, self._rows_until = {}, self._newest
        self._curves_until = max(self._curves_until, moment)
        stage = self.model.stages[landmark]
        settings = stage.numbers.calibration
        rows = self._rows_of.get(landmark)
        if rows is None:
            stages = tuple(self.model.stages)
            rows = landmark_rows(self.engine.book, landmark, self._tolerance, stages)
            self._rows_of[landmark] = rows
        days = settings.window_days + TIMES_WEEK_DAYS
        low = int(np.searchsorted(rows.as_of, moment - days * MICROS_PER_DAY))
        high = int(np.searchsorted(rows.as_of, moment))
        recent = rows.take(np.arange(low, high))
        x = self.engine.matrix(recent.order, recent.as_of, stage.numbers.inputs)
        offset = stage.numbers.offset
        past = residuals(recent, stage.trees, x, offset, rows.as_of)
        timed = residuals(recent, stage.times, x, offset, rows.as_of)
        times = RecentTimes(timed, settings).at(moment)
        return Curves(
            recent_curve(past, moment, stage.numbers.logistic, settings),
            times or stage.numbers.usual_times.curve(),
        )

    def _gaps(self, shown: ShownOrder) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return which fields are absent though features want them, and which were never seen."""
        missing: list[str] = []
        unknown: list[str] = []
        for field, value in (
            ("site", shown.site),
            ("destination_region", shown.destination),
            ("carrier", shown.carrier),
        ):
            seen = self.engine.seen(field)
            if seen is None or seen:
                continue
            (missing if value is None else unknown).append(field)
        return tuple(missing), tuple(unknown)


def _check_open(known: list[int], as_of: int) -> None:
    if as_of < known[_CREATED]:
        raise RequestError("as_of is before the order was recorded")
    for column, what in ((_DELIVERED, "delivered"), (_CANCELLED, "cancelled")):
        if known[column] != UNKNOWN_TIME and known[column] <= as_of:
            when = from_micros(known[column]).isoformat()
            raise RequestError(f"the order was {what} (known {when}): nothing is left to predict")


def _bits(x: Floats, said: Prediction) -> str:
    digest = blake2b(x.tobytes(), digest_size=16)
    digest.update(said.effects.tobytes())
    digest.update(struct.pack("<d", said.p_late))
    return digest.hexdigest()


def _by(times: Ints, moment: int) -> npt.NDArray[np.bool_]:
    return (times != UNKNOWN_TIME) & (times <= moment)
