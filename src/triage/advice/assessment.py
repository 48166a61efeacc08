"""What is said about one open order: probability, delay, reasons, exposure, data quality."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from triage.advice.wording import Figures, Sentence
from triage.features.declarations import Cause

State = Literal["at_risk", "already_late"]


@dataclass(frozen=True, slots=True)
class Reason:
    """One driver of the probability, in words and in numbers.

    Attributes:
        code: the concept (see `features/*.toml`).
        text: the sentence for people.
        feature: the feature whose value is named.
        value: its value; None if there is no history or it is not known.
        typical: the median of that feature at this stage; None if unknown.
        unit: unit of value and typical.
        effect_pp: effect on the probability in percentage points.
        owner: who can act on it.
        actionable: whether someone can.
        said: the sentence with its figures kept apart; None where there is none in it.
    """

    code: str
    text: str
    feature: str
    value: float | None
    typical: float | None
    unit: str
    effect_pp: float
    owner: str
    actionable: bool
    said: Sentence | None = None

    def told(self, figures: Figures) -> str:
        """Return the sentence, its figures written in some way."""
        return self.text if self.said is None else self.said.told(figures)

    @property
    def direction(self) -> Literal["raises", "lowers"]:
        """Return which way the reason moves the probability."""
        return "raises" if self.effect_pp >= 0 else "lowers"


@dataclass(frozen=True, slots=True)
class CauseShare:
    """The share of one cause in what raises the probability, 0 to 1."""

    cause: Cause
    share: float


@dataclass(frozen=True, slots=True)
class Exposure:
    """What is at stake if the order is late, in its currency.

    Attributes:
        margin: what is earned with the order.
        sla_penalty: what is owed if it is late by as much as it is likely to be, if it is.
        at_stake: what being late costs, weighed by the customer's tier.
        tier: the customer's tier, if known.
        regulated: whether it holds goods with rules of their own.
    """

    margin: float
    sla_penalty: float
    at_stake: float
    tier: str | None
    regulated: bool


@dataclass(frozen=True, slots=True)
class Escalation:
    """Someone else who must know of the order, and why."""

    to: str
    because: str


@dataclass(frozen=True, slots=True)
class Priority:
    """Why an order comes first, and until when that makes sense.

    Attributes:
        score: expected loss that acting still prevents, per minute of people's time.
        action: what helps most; None if nothing still helps in time.
        minutes: of people's time that it takes.
        chance: share of the loss that it prevents, falling as its last moment comes near.
        decide_by: last moment at which it works, UTC micros; None without an action.
        why: one sentence.
        escalations: who else must know.
    """

    score: float
    action: str | None
    minutes: float
    chance: float
    decide_by: int | None
    why: str
    escalations: tuple[Escalation, ...] = ()


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Another way for an order, scored by the same model with changed inputs.

    Attributes:
        action: its name in the policy.
        detail: what to do, in words.
        site: from where it would ship then, if that changes.
        p_late: probability of lateness that way.
        delta_p: change of the probability (negative: less likely late); None if not scored.
        delta_days: p10, p50, p90 of delivery that way against the promise, less the p50 of staying.
        cost: money that it costs more, with people's time.
        saves: expected loss that it prevents, less its cost.
        feasible_until: last moment at which it works, UTC micros.
        support: why the model has seen too little like it, in words; empty if it has not.
        approver: who agrees to it, all of them; empty if nobody has to.
        service: faster service that is booked as well.
    """

    action: str
    detail: str
    site: str | None
    p_late: float
    delta_p: float | None
    delta_days: tuple[float, float, float] | None
    cost: float
    saves: float
    feasible_until: int
    support: tuple[str, ...]
    approver: str
    service: str | None = None


@dataclass(frozen=True, slots=True)
class Assessment:
    """One order as assessed at one moment. Times are UTC micros, delays are days after the promise.

    `bounds` say how sure the probability itself is; `unsure` why a person should judge instead.

    `typical` + the effects of all reasons + `other_pp` (all in points) is exactly `p_late`, counted
    in millionths: `round(100 * typical, 4) + sum(effect_pp) + other_pp == round(100 * p_late, 4)`.

    `causes` says to which causes what raises the probability is put down, largest share first; the
    shares sum to 1 in whole thousandths, and there are none where nothing raises it.

    `exact` is a digest of inputs, effects and probability as computed, before they are rounded.

    `stale` names the feeds that have told nothing new for too long.

    `scarce` is the product of which the site, as last recorded, has less than the order asks for.
    """

    order_id: str
    state: State
    stage: str
    stage_at: int
    as_of: int
    promised_by: int
    p_late: float
    bounds: tuple[float, float]
    typical: float
    band: str
    delay_days: tuple[float, float, float]
    reasons: tuple[Reason, ...]
    other_pp: float
    revenue: float
    currency: str
    customer: str | None
    site: str | None
    destination: str | None
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    unsure: tuple[str, ...]
    stale: tuple[str, ...] = ()
    causes: tuple[CauseShare, ...] = ()
    carrier: str | None = None
    channel: str | None = None
    scarce: str | None = None
    exposure: Exposure | None = None
    priority: Priority | None = None
    recommendations: tuple[Recommendation, ...] = ()
    exact: str = ""

    @property
    def at_stake(self) -> float:
        """Return what being late costs; the whole order value where nothing else is known."""
        return self.revenue if self.exposure is None else self.exposure.at_stake

    @property
    def expected_loss(self) -> float:
        """Return p(late) x what is at stake, in the order's currency."""
        return self.p_late * self.at_stake

    @property
    def abstained(self) -> bool:
        """Return whether the policy says that a person should judge instead."""
        return bool(self.unsure)

    @property
    def degraded(self) -> bool:
        """Return whether something that the model usually looks at was not there, or is old."""
        return bool(self.missing or self.unknown or self.stale)
