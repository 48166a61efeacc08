"""A deterministic advisor: some 300 plausible orders, the same every time."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from fastapi import FastAPI

from triage.advice.assessment import Assessment, CauseShare, Reason, State
from triage.advice.policy import FreshnessPolicy, Policy, ReasonPolicy
from triage.advice.reasons import DelayDays
from triage.domain.clock import MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, to_micros
from triage.domain.records import Milestone, MilestoneKind, Order
from triage.errors import OrderNotFoundError, RequestError
from triage.ledger.ledger import Ledger
from triage.serving.access.guard import Guard
from triage.serving.advisor import Advisor, ModelInfo, WorkItem, Worklist
from triage.serving.app import create_app
from triage.serving.decisions import Decisions
from triage.serving.event_log import EventLog
from triage.serving.exceptions.desk import ExceptionDesk
from triage.serving.exceptions.queue import ExceptionQueue
from triage.serving.feeds import Feeds
from triage.serving.keeping import Keeping, keeping
from triage.serving.live import Live
from triage.settings import Settings

NOW = 1_535_551_200_000_000
"""2018-08-29 14:00 UTC: a Wednesday, 11:00 in Sao Paulo."""
_MIDNIGHT = NOW + 13 * MICROS_PER_HOUR
POLICY = Policy(
    version="2026-11-1",
    authority="erp",
    bands={"critical": 0.60, "high": 0.35, "medium": 0.15, "low": 0.0},
    reasons=ReasonPolicy(top=4),
    freshness=FreshnessPolicy(stale_after_minutes=60),
)
INFO = ModelInfo(
    name="at_risk",
    version="3",
    digest="9f2c41d7a86b53e0" * 4,
    features_version="2026-11-1",
    label_contract="late-v1",
    late_means="not delivered by the end of the promised day",
    trained_as_of=NOW - 30 * MICROS_PER_DAY,
    families_off={"inventory": ("inventory_position",)},
)
_CUSTOMERS = (
    "Osprey Dental Supply", "Cobalt Labs", "Breuer Maschinenbau", "Grünfeld Optik", "Halden Foods",
    "Marlow & Sons", "Lumen Electric", "Northwind Medical", "Pinecrest Hospitals",
    "Kestrel Outdoor",
    "Sociedade Brasileira de Equipamentos Hospitalares e Laboratoriais do Nordeste",
    "Tidewater Marine", "Żabka Północ", "Fernández e Hijos", None,
)  # fmt: skip
_SITES = ("ONT-4", "RTM-2", "DAL-1", "LEJ-1", "GRU-3")
_PLACES = ("São Paulo", "Rio de Janeiro", "Belo Horizonte", "Recife", "Porto Alegre", "Manaus")
_STAGES = ("order_created", "order_validated", "pick_released", "shipment_dispatched")
_Told = tuple[str, str, float, float, str, str, bool]
_REASONS: dict[str, _Told] = {
    # code: sentence, unit, value, typical, owner, feature, actionable
    "site_backlog": (
        "{site} has 38% more orders waiting than usual",
        "orders", 221, 160, "warehouse", "site.open", True),
    "lane_late": (
        "31% of orders on this lane were late in the last 28 days",
        "share", 0.31, 0.08, "carrier", "lane.late", True),
    "slack": (
        "Only 3 days are left for a trip that takes 8", "days", 3, 9, "planning", "slack", False),
    "carrier_wait": (
        "Ready for the carrier for 52 hours; usually 19",
        "hours", 52, 19, "carrier", "wait", True),
    "validation": (
        "Payment took 31 hours to clear", "hours", 31, 4, "credit", "validated.hours", True),
    "distance": ("Travels far from where it ships", "km", 2380, 480, "planning", "distance", False),
    "weight": ("Weighs 14 kg; typical is 0.8", "kg", 14, 0.8, "planning", "weight", False),
    "site_good": (
        "{site} ships on time this month", "share", 0.03, 0.08, "warehouse", "site.late", False),
}  # fmt: skip


CAUSES = (
    CauseShare("warehouse", 0.57), CauseShare("carrier", 0.3), CauseShare("approval", 0.09),
    CauseShare("other", 0.04),
)  # fmt: skip


def _reason(code: str, site: str, effect: float) -> Reason:
    text, unit, value, typical, owner, feature, actionable = _REASONS[code]
    return Reason(
        code=code, text=text.format(site=site), feature=feature, value=value, typical=typical,
        unit=unit, effect_pp=effect, owner=owner, actionable=actionable,
    )  # fmt: skip


def explained(
    p_late: float, site: str, rng: random.Random
) -> tuple[float, tuple[Reason, ...], float]:
    """Return a typical risk, reasons and the rest, which add up to `p_late` in millionths."""
    typical = 0.14
    gap = round(1_000_000 * p_late) - 140_000
    codes = [*rng.sample([code for code in _REASONS if code != "site_good"], 3), "site_good"]
    parts = [int(gap * share) for share in (0.52, 0.3, 0.2)] + [-rng.randrange(4_000, 30_000)]
    reasons = tuple(
        _reason(code, site, part / 10_000) for code, part in zip(codes, parts, strict=True)
    )
    return typical, reasons, (gap - sum(parts)) / 10_000


def assessment(number: int, state: State) -> Assessment:
    """Return one made-up open order."""
    rng = random.Random(f"{state}{number}")  # noqa: S311 - no secret is made
    p_late = round(rng.betavariate(0.9, 3.2), 6) if state == "at_risk" else 1.0
    site = rng.choice(_SITES)
    typical, reasons, other = explained(p_late, site, rng)
    days = rng.randrange(0, 14) if state == "at_risk" else -rng.randrange(1, 21)
    late = max(0.0, -days)
    middle = late + rng.uniform(1, 5) if state == "already_late" else 12 * p_late - 6
    return Assessment(
        order_id=f"SO-{4_500_000 + number}", state=state, stage=rng.choice(_STAGES),
        stage_at=NOW - rng.randrange(20 * MICROS_PER_MINUTE, 9 * MICROS_PER_DAY),
        as_of=NOW, promised_by=_MIDNIGHT + days * MICROS_PER_DAY,
        p_late=p_late, bounds=(0.8 * p_late, 1 - 0.9 * (1 - p_late)), typical=typical,
        band=POLICY.band(p_late),
        delay_days=(round(middle - 3, 2), round(middle, 2), round(middle + 5, 2)),
        reasons=reasons if state == "at_risk" else (),
        other_pp=other if state == "at_risk" else 86.0,
        revenue=round(rng.lognormvariate(7.5, 1.3), 2), currency="BRL",
        customer=rng.choice(_CUSTOMERS), site=site, destination=rng.choice(_PLACES),
        missing=("inventory_position",) if rng.random() < 0.2 else (),
        unknown=("carrier",) if rng.random() < 0.1 else (),
        unsure=(), causes=CAUSES if state == "at_risk" and p_late > typical else (),
        channel=rng.choice(("EDI", "web shop", "phone", None)),
    )  # fmt: skip


def worklist(at_risk: int = 240, already_late: int = 61) -> Worklist:
    """Return a ranked worklist of made-up orders."""
    items: list[WorkItem] = []
    states: tuple[tuple[State, int], ...] = (("at_risk", at_risk), ("already_late", already_late))
    for state, count in states:
        start = 100 if state == "at_risk" else 5_100
        orders = sorted(
            (assessment(start + n, state) for n in range(count)),
            key=lambda order: (-order.expected_loss, order.promised_by, order.order_id),
        )
        items += [WorkItem(rank, order) for rank, order in enumerate(orders, start=1)]
    return Worklist(NOW, tuple(items))


class FakeAdvisor:
    """Answers from a made-up worklist; an order sent whole gets a risk from its id."""

    info = INFO
    policy = POLICY
    authority = "erp"
    time_zone = "America/Sao_Paulo"

    def __init__(self, listed: Worklist | None = None) -> None:
        self.feeds = Feeds()
        self._worklist = worklist() if listed is None else listed
        self._orders = {i.assessment.order_id: i.assessment for i in self._worklist.items}

    def now(self) -> int:
        return NOW

    def score_id(
        self,
        order_id: str,
        as_of: int | None = None,
        *,
        ways: bool = False,  # noqa: ARG002
    ) -> Assessment:
        if order_id not in self._orders:
            raise OrderNotFoundError(f"no order {order_id}")
        return replace(self._orders[order_id], as_of=NOW if as_of is None else as_of)

    def score_order(
        self, order: Order, milestones: Sequence[Milestone] = (), as_of: int | None = None,
        *, ways: bool = False,  # noqa: ARG002
    ) -> Assessment:  # fmt: skip
        moment = NOW if as_of is None else as_of
        if moment < to_micros(order.record_time):
            raise RequestError("as_of is before the order was known")
        done = {MilestoneKind.DELIVERED, MilestoneKind.ORDER_CANCELLED}
        if any(step.milestone in done for step in milestones):
            raise RequestError("the order is no longer open")
        rng = random.Random(order.order_id)  # noqa: S311 - no secret is made
        p_late = round(rng.random(), 6)
        typical, reasons, other = explained(p_late, _SITES[0], rng)
        promised = to_micros(order.promised_by)
        return Assessment(
            order_id=order.order_id, state="at_risk" if moment <= promised else "already_late",
            stage=milestones[-1].milestone.value if milestones else "order_created",
            stage_at=to_micros(order.record_time), as_of=moment, promised_by=promised,
            p_late=p_late, bounds=(0.8 * p_late, 1 - 0.9 * (1 - p_late)), typical=typical,
            band=POLICY.band(p_late), delay_days=(-4.0, -1.0, 3.0),
            reasons=reasons, other_pp=other, revenue=order.value, currency=order.currency,
            customer=order.customer_name, site=order.lines[0].site if order.lines else None,
            destination=order.destination_region, missing=(), unknown=(), unsure=(),
            causes=CAUSES if p_late > typical else (),
        )  # fmt: skip

    def milestones_of(self, order_id: str) -> list[tuple[str, int, int]]:
        if order_id not in self._orders:
            raise OrderNotFoundError(f"no order {order_id}")
        return [("order_created", NOW - MICROS_PER_DAY, NOW - MICROS_PER_HOUR)]

    def risk_then(self, order_id: str, moment: int) -> float:
        assert moment < NOW
        return self._orders[order_id].p_late / 2

    def delay_shares(self, order_id: str, moment: int) -> DelayDays:
        assert moment <= NOW
        shares = {reason.code: reason.effect_pp / 10 for reason in self._orders[order_id].reasons}
        return DelayDays(-2.5, shares | {"none of the reasons": 0.5})

    def late_by(self, order_id: str, moment: int) -> tuple[float, float]:
        assert moment <= NOW
        return 1.2, 1.2 + 4 * self._orders[order_id].p_late

    def worklist(self) -> Worklist:
        return self._worklist


class QuietStock(Feeds):
    """Stock has told nothing for four days, all else is fresh."""

    def __init__(self) -> None:
        fresh = dict.fromkeys(("milestones", "orders", "exceptions"), NOW - MICROS_PER_HOUR)
        self.newest = fresh | {"positions": NOW - 4 * MICROS_PER_DAY}


def app(
    settings: Settings | None = None,
    exception_desk: ExceptionDesk | None = None,
    folder: Path | None = None,
    clock: Callable[[], int] = lambda: NOW,
    guard: Guard | None = None,
    advisor: Advisor | None = None,
    queue: ExceptionQueue | None = None,
    feeds: Feeds | None = None,
) -> FastAPI:
    """Return the app over the fake; also a factory for uvicorn.

    With a folder, events and decisions are kept there; events change nothing.
    """
    answering = advisor or FakeAdvisor()
    if feeds is not None and isinstance(answering, FakeAdvisor):
        answering.feeds = feeds
    return create_app(
        lambda: answering, settings or Settings(), clock=clock,
        exception_desk=exception_desk if queue is None else queue.desk, queue=queue,
        keep=None if folder is None else lambda: _kept(folder), guard=guard,
    )  # fmt: skip


@contextmanager
def _kept(folder: Path) -> Iterator[Keeping]:
    def decisions() -> Decisions:
        return Decisions(Ledger.open(folder), POLICY, "0" * 64, None)

    with keeping(lambda _: Live(EventLog(folder), []), decisions) as kept:
        yield kept
