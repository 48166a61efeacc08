"""What operations decides about work: what is at stake, who has how much time, what can be done."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from triage.workspace import Declared

Share = Annotated[float, Field(ge=0, le=1)]
Money = Annotated[float, Field(ge=0)]
Stage = Literal[
    "order_created", "order_validated", "allocation_confirmed", "pick_released",
    "shipment_dispatched",
]  # fmt: skip
ActionName = Literal[
    "expedite_approval",
    "other_site",
    "split",
    "substitute",
    "partial",
    "faster_service",
    "pick_next",
    "tell_customer",
]


class ExposurePolicy(Declared):
    """What a late order costs, as shares of its value; by customer tier where that matters.

    Attributes:
        margin_share: margin where no cost is known.
        lost_margin: share of that margin that a late order costs in later business.
        penalty_per_day: tier -> share of the value owed for each day late.
        penalty_cap: most that is owed, as a share of the value.
        tier_weight: tier -> how much more than its money an order of that tier counts.
        regulated_categories: goods whose orders have rules of their own.
    """

    margin_share: Share = 0.25
    lost_margin: Share = 0.1
    penalty_per_day: dict[str, Share] = Field(default={})
    penalty_cap: Share = 0.1
    tier_weight: dict[str, Annotated[float, Field(gt=0)]] = Field(default={})
    regulated_categories: tuple[str, ...] = ()


class CapacityPolicy(Declared):
    """The people who work the list: how many, and minutes of each in one session."""

    people: Annotated[float, Field(gt=0)] = 2.0
    minutes: Annotated[float, Field(gt=0)] = 90.0
    wage: Money = 0.75

    @property
    def session(self) -> float:
        """Return minutes of all people together in a session."""
        return self.people * self.minutes


class ActionPolicy(Declared):
    """One thing that people can do for an order, in their own systems.

    Attributes:
        does: what to do, in words that can follow "what helps most is to".
        stages: where an order must stand for it.
        minutes: of a person's time.
        approver: who agrees to it; nobody's approval is needed if empty.
        cost: money beside the minutes, in the order's currency.
        cost_per_kg: more of it for each kilogram of the order.
        helps: share of the loss that it prevents if taken in time, where the model cannot say.
        credited: share of the gain that the model promises which came true, as measured. The best
            of several what-ifs is the luckiest one too, and changed inputs are no proof.
        lead_days: working days until it takes effect.
        stands_in_for: milestone that it brings about; the steps after that are still needed.
        road_days: working days on the road instead of the usual ones.
        service: the faster service to book.
        for_regulated: whether it may be offered for regulated goods.
        until_promise: whether it works until the promise passes, whatever else is open.
    """

    does: str
    stages: tuple[Stage, ...]
    minutes: Annotated[float, Field(gt=0)]
    approver: str = ""
    cost: Money = 0.0
    cost_per_kg: Money = 0.0
    helps: Share = 0.5
    credited: Annotated[float, Field(gt=0, le=1)] = 1.0
    lead_days: Annotated[float, Field(ge=0)] = 0.1
    stands_in_for: Stage | None = None
    road_days: Annotated[float, Field(ge=0)] | None = None
    service: str = ""
    for_regulated: bool = True
    until_promise: bool = False


class EscalationPolicy(Declared):
    """Who else must know of an order, and when; all conditions that are set have to hold.

    Attributes:
        to: who is told.
        because: in words.
        value_from: order value from which on it holds.
        p_late_from: probability from which on it holds.
        hours_left: hours or less until the last moment at which something helps.
        regulated: whether it is for regulated goods only.
    """

    to: str
    because: str
    value_from: Money = 0.0
    p_late_from: Share = 0.0
    hours_left: Annotated[float, Field(gt=0)] | None = None
    regulated: bool = False


class RecommendationPolicy(Declared):
    """Which recommendations are given.

    Attributes:
        p_late_from: probability from which on other ways are looked for.
        least_gain: points of probability, as credited, that another way must bring at least.
        least_chance: chance by the model that the order is late as it stands and in time this way,
            from which on goods from another site are recommended.
        stock_margin: pieces that a site must show, as last recorded, for each that is asked for:
            others take some before a change takes effect.
        worth_times: times its cost that goods from another site must prevent: what is at stake is
            known by tier, not by customer.
        too_late_days: working days by which goods that are short must come too late for the
            promise, by usual times, for others to be sent.
        spare_days: working days that must be left until the last moment at which goods can still
            come from another site: usual times are medians.
        most: recommendations told for one order.
    """

    p_late_from: Share = 0.15
    least_gain: Annotated[float, Field(gt=0, le=1)] = 0.03
    least_chance: Share = 0.0
    stock_margin: Annotated[float, Field(ge=1)] = 1.0
    worth_times: Annotated[float, Field(ge=1)] = 1.0
    too_late_days: Annotated[float, Field(ge=0)] = 0.0
    spare_days: Annotated[float, Field(ge=0)] = 0.0
    most: Annotated[int, Field(ge=1, le=10)] = 4


class WorkPolicy(Declared):
    """Everything that decides what is done first.

    Attributes:
        sure_days: working days before the last moment from which on an action helps fully.
        shared_from: orders with one cause in common that make a group.
    """

    sure_days: Annotated[float, Field(gt=0)] = 1.0
    shared_from: Annotated[int, Field(ge=2)] = 5
    exposure: ExposurePolicy = ExposurePolicy()
    capacity: CapacityPolicy = CapacityPolicy()
    recommend: RecommendationPolicy = RecommendationPolicy()
    actions: dict[ActionName, ActionPolicy] = Field(default={})
    escalations: tuple[EscalationPolicy, ...] = ()
