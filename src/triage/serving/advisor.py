"""What the service needs from whoever scores: one small protocol and the records that it speaks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from triage.advice.assessment import Assessment, Recommendation
from triage.advice.groups import Group
from triage.advice.policy import Policy
from triage.advice.reasons import DelayDays
from triage.domain.records import Milestone, Order
from triage.errors import TriageError
from triage.models.champion import RULE
from triage.serving.feeds import Feeds


class NotReadyError(TriageError):
    """The service cannot give advice yet."""

    status = 503
    slug = "not-ready"

    def __init__(self, missing: Sequence[str], next_command: str) -> None:
        """Name what is missing and the command that provides it.

        Args:
            missing: what is not there, in words ("a promoted model").
            next_command: what to run next.
        """
        self.missing = tuple(missing)
        self.next_command = next_command
        super().__init__(f"missing: {', '.join(self.missing)}; next: {next_command}")


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Which model answers, and what it was made from.

    Attributes:
        name: name of the model.
        version: version under that name.
        digest: SHA-256 of the bundle, as hexadecimal text.
        features_version: version of the feature declarations frozen into the bundle.
        label_contract: name of the definition of "late" that the probability speaks about.
        late_means: the same in words.
        trained_as_of: the moment up to which it saw history, UTC micros.
        families_off: families of features that are switched off, with the inputs they lack.
    """

    name: str
    version: str
    digest: str
    features_version: str
    label_contract: str
    late_means: str
    trained_as_of: int
    families_off: dict[str, tuple[str, ...]]

    @property
    def stands_in(self) -> bool:
        """Return whether it is the rule that answers while there is no model."""
        return self.version == RULE


@dataclass(frozen=True, slots=True)
class WorkItem:
    """An open order in its place: with rank 1, acting is worth most per minute in its state.

    Attributes:
        rank: place within its state, from 1.
        assessment: the order.
        fits: whether its action fits into people's time of one session.
        plan: what to do if orders that want the same stock are solved together; None if nothing
            was worth it, or the stock goes to others.
    """

    rank: int
    assessment: Assessment
    fits: bool = True
    plan: Recommendation | None = None


@dataclass(frozen=True, slots=True)
class Worklist:
    """All open orders as of one moment (UTC micros): at risk first, each state in rank order.

    Where it is not ranked yet, nothing is known of anybody's place.
    """

    as_of: int
    items: tuple[WorkItem, ...]
    groups: tuple[Group, ...] = ()
    ranked: bool = True


class Advisor(Protocol):
    """Whoever scores: the loaded model together with the live state of the log."""

    @property
    def info(self) -> ModelInfo:
        """Return which model answers."""

    @property
    def policy(self) -> Policy:
        """Return the policy in force."""

    @property
    def feeds(self) -> Feeds:
        """Return how old what is known is."""

    @property
    def authority(self) -> str:
        """Return the name of the system that stays authoritative."""

    @property
    def time_zone(self) -> str:
        """Return the IANA name of the zone in which dates are shown."""

    def now(self) -> int:
        """Return the moment that counts as now (of the data, or of the wall), UTC micros."""

    def score_id(
        self, order_id: str, as_of: int | None = None, *, ways: bool = False
    ) -> Assessment:
        """Assess a stored order; with `ways`, look for other ways too (some milliseconds).

        Raises:
            OrderNotFoundError: if the log holds no such order.
            RequestError: if it is delivered or cancelled, or `as_of` is before it was known.
        """

    def score_order(
        self, order: Order, milestones: Sequence[Milestone] = (), as_of: int | None = None,
        *, ways: bool = False,
    ) -> Assessment:  # fmt: skip
        """Assess an order that was sent whole.

        Raises:
            RequestError: if it is delivered or cancelled, or `as_of` is before it was known.
        """

    def milestones_of(self, order_id: str) -> list[tuple[str, int, int]]:
        """Return milestone, event time and record time (UTC micros) of what an order has reached.

        Raises:
            OrderNotFoundError: if the log holds no such order.
        """

    def risk_then(self, order_id: str, moment: int) -> float:
        """Return p(late) of a stored order from what was known of it at a past moment.

        With the calibration of now. `moment` (UTC micros) is one before its promise passes.

        Raises:
            OrderNotFoundError: if the log holds no such order.
            RequestError: if it was not open then.
        """

    def delay_shares(self, order_id: str, moment: int) -> DelayDays:
        """Return what the middle of an order's delivery is made of, as assessed at a moment.

        Raises:
            OrderNotFoundError: if the log holds no such order.
            RequestError: if it was not open then.
        """

    def late_by(self, order_id: str, moment: int) -> tuple[float, float]:
        """Return p10 and p90 of the delay of an order if it is late, in days after its promise.

        Raises:
            OrderNotFoundError: if the log holds no such order.
            RequestError: if it was not open then.
        """

    def worklist(self) -> Worklist:
        """Return all open orders in rank order; cached, so cheap to call."""


AdvisorProvider = Callable[[], Advisor]
"""Gives the advisor now in charge; raises NotReadyError until there is one."""
