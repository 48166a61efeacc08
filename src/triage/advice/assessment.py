"""What is said about one open order: probability, delay, reasons, exposure, data quality."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
class Assessment:
    """One order as assessed at one moment. Times are UTC micros, delays are days after the promise.

    `bounds` say how sure the probability itself is; `unsure` why a person should judge instead.

    `typical` + the effects of all reasons + `other_pp` (all in points) is exactly `p_late`, counted
    in millionths: `round(100 * typical, 4) + sum(effect_pp) + other_pp == round(100 * p_late, 4)`.

    `causes` says to which causes what raises the probability is put down, largest share first; the
    shares sum to 1 in whole thousandths, and there are none where nothing raises it.
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
    causes: tuple[CauseShare, ...] = ()

    @property
    def expected_loss(self) -> float:
        """Return p(late) x order value, in the order's currency."""
        return self.p_late * self.revenue

    @property
    def abstained(self) -> bool:
        """Return whether the policy says that a person should judge instead."""
        return bool(self.unsure)

    @property
    def degraded(self) -> bool:
        """Return whether something that the model usually looks at was not there."""
        return bool(self.missing or self.unknown)
