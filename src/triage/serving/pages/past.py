"""What an order's page shows of the past: gathered from the log, the ledger and the desk."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from triage.advice.assessment import Assessment
from triage.ledger.errors import StoreUnavailableError
from triage.serving import texts
from triage.serving.advisor import Advisor
from triage.serving.decisions import KIND, Decision
from triage.serving.handling.state import Act
from triage.serving.handling.view import Work
from triage.serving.pages import order_past, risk_path
from triage.serving.pages.frame import Looking
from triage.serving.pages.order_past import DECISIONS, Entry, Move, PastRow
from triage.serving.routes.timeline import timeline
from triage.serving.scorer import Scorer
from triage.serving.service import Service
from triage.serving.similar import Alike, PastOrders


@dataclass(frozen=True, slots=True)
class Past:
    """The past of an order in words, ready to be shown.

    Attributes:
        moves: how its risk moved, oldest first.
        entries: everything known about it, newest first.
        note: what is left out of them, in a sentence; empty if nothing is.
        alike: what became of orders like it; None where nothing is known of its way.
        alike_says: the same in sentences.
        alike_rows: those most like it.
    """

    moves: list[Move]
    entries: list[Entry]
    note: str
    alike: Alike | None
    alike_says: str
    alike_rows: list[PastRow]


class PastPages:
    """Gathers the past of orders for their pages.

    Args:
        service: what pages show.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._orders: PastOrders | None = None

    async def of(self, seen: Looking, order: Assessment, work: Work | None) -> Past:
        """Return the past of an order on the list; `work` is its block, as its page shows it."""
        service, advisor = self._service, seen.advisor
        alike = await run_in_threadpool(self._alike, advisor, order)
        recorded, note = await self._recorded(order.order_id)
        lines = {} if work is None else {line.id: line for line in work.lines}
        now, zone = advisor.now(), seen.zone
        return Past(
            moves=order_past.moves(
                self._drawn(advisor, order, recorded), lines, now, zone,
                late=order.state == "already_late",
            ),
            entries=order_past.timeline(
                timeline(service, order.order_id, recorded), lines, now, zone
            ),
            note=note,
            alike=alike,
            alike_says="" if alike is None else order_past.alike_says(alike),
            alike_rows=[] if alike is None
            else order_past.past_rows(alike, order.as_of, now, advisor.time_zone),
        )  # fmt: skip

    async def _recorded(self, order_id: str) -> tuple[list[Decision], str]:
        """Return the newest decisions on record, oldest first, and what is to be said of them."""
        if self._service.decisions is None:
            return [], ""
        ledger = self._service.decisions.ledger
        try:
            found = await run_in_threadpool(ledger.last, DECISIONS, KIND, order_id)
        except StoreUnavailableError:
            return [], texts.past.TIMELINE_UNREAD
        note = texts.past.earlier_said(DECISIONS) if len(found) == DECISIONS else ""
        return [Decision.of(entry) for entry in reversed(found)], note

    def _alike(self, advisor: Advisor, order: Assessment) -> Alike | None:
        if not isinstance(advisor, Scorer):
            return None
        if self._orders is None or self._orders.knows is not advisor:
            self._orders = PastOrders(advisor)
        return self._orders.like(order.order_id, order.as_of)

    def _drawn(
        self, advisor: Advisor, order: Assessment, recorded: list[Decision]
    ) -> list[risk_path.Drawn]:
        scored = risk_path.scores(
            order,
            advisor.milestones_of(order.order_id),
            recorded,
            lambda moment: advisor.risk_then(order.order_id, moment),
            advisor.policy.band,
        )
        return risk_path.drawn(risk_path.steps(scored, self._acts(order.order_id)))

    def _acts(self, order_id: str) -> list[Act]:
        """Return what people did with an order and did not take back."""
        if self._service.handling is None:
            return []
        handled = self._service.handling.of_order(order_id)
        return [a for a in handled.acts if a.action != "undo" and a.id not in handled.undone]
