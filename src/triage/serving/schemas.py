"""What is answered, with meanings and units; the source of the OpenAPI document."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from triage.features.declarations import Cause
from triage.serving.handling.schemas import HandlingOut
from triage.serving.price_schemas import LineOut


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ModelName(_Answer):
    """Which model answered."""

    name: str
    version: str
    digest: str = Field(description="SHA-256 of the model bundle, hexadecimal.")


class Risk(_Answer):
    """Calibrated probability that the order will be late, as `label_contract` defines late."""

    p_late: float = Field(ge=0, le=1, description="Probability, 0 to 1.")
    low: float = Field(ge=0, le=1, description="The probability itself may be as low as this.")
    high: float = Field(ge=0, le=1, description="The probability itself may be as high as this.")
    band: str = Field(description="Name of the policy's band that the probability falls into.")
    typical: float = Field(
        ge=0, le=1, description="Probability of a typical order at this stage: where reasons start."
    )
    percentile: float | None = Field(
        ge=0, le=100, description="Percent of the orders now at risk with a lower p_late; "
        "null while the worklist is empty.",
    )  # fmt: skip


class Delay(_Answer):
    """Delivery against the promise in days; negative is early."""

    p10: float = Field(description="One in ten such orders arrives before this.")
    p50: float = Field(description="Half of such orders arrive before this.")
    p90: float = Field(description="Nine in ten such orders arrive before this.")


class ReasonOut(_Answer):
    """One driver of the probability."""

    code: str = Field(description="Stable name of the concept.")
    text: str = Field(description="The sentence for people.")
    feature: str = Field(description="Feature whose value is named.")
    value: float | None = Field(description="Its value in `unit`; null if there is no history.")
    typical: float | None = Field(description="Median of the feature at this stage, in `unit`.")
    unit: str
    effect_pp: float = Field(description="Effect on the probability in percentage points.")
    direction: Literal["raises", "lowers"]
    owner: str = Field(description="Who can act on it.")
    actionable: bool


class CauseOut(_Answer):
    """One cause of what raises the probability above that of a typical order."""

    cause: Cause
    share: float = Field(gt=0, le=1, description="Its share of the excess, 0 to 1.")


class Exposure(_Answer):
    """What is at stake, in `currency`, by the policy's shares."""

    revenue: float = Field(ge=0, description="Value of the order.")
    currency: str = Field(description="ISO 4217 code.")
    margin: float | None = Field(description="Earned with it; null where no policy says.")
    sla_penalty: float | None = Field(
        description="Owed if it is late by as much as is likely then; null where no policy says."
    )
    customer_tier: str | None = Field(description="Tier of the customer, if known.")
    regulated: bool = Field(description="Whether it holds goods with rules of their own.")
    at_stake: float = Field(ge=0, description="What being late costs, weighed by the tier.")
    expected_loss: float = Field(ge=0, description="p_late x at_stake.")
    decide_by: AwareDatetime | None = Field(
        description="Last moment at which the best action still works; null if none does."
    )


class EscalationOut(_Answer):
    """Someone else who must know of the order."""

    to: str
    because: str


class PriorityOut(_Answer):
    """Where the order stands among all open ones, and why."""

    score: float = Field(
        description="Expected loss that acting prevents, less its cost, per minute of work."
    )
    rank: int | None = Field(
        ge=1, description="Place that the score has among the orders now at risk; null without one."
    )
    action: str | None = Field(description="What helps most; null if nothing helps in time.")
    minutes: float = Field(ge=0, description="Minutes of people's time that it takes.")
    chance: float = Field(ge=0, le=1, description="Share of the loss that it prevents by now.")
    why: str = Field(description="The sentence for people.")
    escalations: list[EscalationOut]


class DeltaDays(_Answer):
    """Delivery another way, less the middle of what is expected now, in days."""

    p10: float
    p50: float
    p90: float


class RecommendationOut(_Answer):
    """Another way, scored by the same model with changed inputs: association, not proof."""

    action: str
    detail: str = Field(description="What to do, in words.")
    site: str | None = Field(description="From where it would ship, if that changes.")
    p_late: float = Field(ge=0, le=1, description="Probability of lateness that way.")
    delta_p: float | None = Field(
        description="Change of p_late; negative is better; null where the model has no say."
    )
    delta_days: DeltaDays | None
    cost_delta: float = Field(description="Money that it costs more, with people's time.")
    saves: float = Field(description="Expected loss that it prevents, less cost_delta.")
    feasible_until: AwareDatetime = Field(description="Last moment at which it works.")
    support: list[str] = Field(
        description="What about it the model has seen too little of; empty if nothing."
    )
    requires_approval: bool
    approver: str | None = Field(
        description="Who agrees to it; all of them where it is two things at once."
    )
    service: str | None = Field(
        default=None, description="Faster service that is booked as well; null if none is."
    )


class DataQuality(_Answer):
    """What the model usually looks at and did not find, or found old."""

    missing: list[str] = Field(description="Inputs that were not there.")
    unknown: list[str] = Field(description="Values never seen before (a new carrier, a new site).")
    stale: list[str] = Field(
        description="Feeds without a new record for too long: `orders`, `milestones`, `positions`"
        " (stock), `supplies` (inbound), `exceptions` or `staffing` (hours at the sites)."
    )
    degraded: bool = Field(description="Whether any of these lists has an entry.")
    abstained: bool = Field(description="Whether nothing should be concluded: a person judges.")
    unsure: list[str] = Field(description="Why not, in words; empty unless abstained.")


_LAW = (
    "Effect of everything not named in `reasons`, in percentage points. Counted in millionths, "
    "round(100 x risk.typical, 4) + all effect_pp + other_effect_pp = round(100 x risk.p_late, 4)."
)


_SHARES = (
    "What the excess risk is put down to, largest share first; the shares sum to 1. Empty where"
    " nothing raises the probability."
)


class ScoreAnswer(_Answer):
    """Advice on one order. Advisory only: nothing is done, the named authority stays in charge."""

    decision_id: str | None = Field(
        default=None, description="Id under which the answer is recorded; unset if nothing is."
    )
    order_id: str
    as_of: AwareDatetime = Field(description="Only what was known before this moment was used.")
    scored_at: AwareDatetime = Field(description="When the answer was given (wall clock).")
    stale_at: AwareDatetime = Field(description="Ask again after this moment.")
    advisory: Literal[True]
    authority: str = Field(description="The system that stays authoritative.")
    stage: str = Field(description="Where the order stands (its latest milestone).")
    state: Literal["at_risk", "already_late"]
    model: ModelName
    features_version: str
    policy_version: str
    label_contract: str = Field(description="Name of the definition of late.")
    risk: Risk
    delay: Delay
    reasons: list[ReasonOut] = Field(description="Strongest first.")
    other_effect_pp: float = Field(description=_LAW)
    causes: list[CauseOut] = Field(description=_SHARES)
    recommendations: list[RecommendationOut] = Field(
        description="What else can be done in time, what saves most first. Nothing is done by us."
    )
    exposure: Exposure
    priority: PriorityOut | None = Field(description="null once the promise has passed.")
    lines: list[LineOut] = Field(
        default=[],
        description="Prices of the lines, of those that can be held against anything; absent where"
        " no model of prices is in force.",
    )
    data_quality: DataQuality


class FieldProblem(_Answer):
    """One field that does not fit."""

    pointer: str = Field(description="JSON pointer into the body, or /name of a query parameter.")
    detail: str


class Problem(BaseModel):
    """An error as RFC 9457 describes it; what was sent is never echoed."""

    type: str = Field(description="urn:triage:problem:<kind>")
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    instance: str | None = Field(default=None, description="The path that was asked for.")
    errors: list[FieldProblem] | None = Field(default=None, description="Fields that do not fit.")
    missing: list[str] | None = Field(default=None, description="What the service waits for.")
    next_command: str | None = Field(default=None, description="What to run next.")


class BatchAnswerItem(_Answer):
    """An order of the batch that was scored."""

    index: int = Field(ge=0, description="Place in the request, from 0.")
    answer: ScoreAnswer


class BatchProblemItem(_Answer):
    """An order of the batch that could not be scored."""

    index: int = Field(ge=0, description="Place in the request, from 0.")
    problem: Problem


class BatchAnswer(_Answer):
    """One item for each order of the request, in its sequence."""

    scored: int = Field(ge=0)
    failed: int = Field(ge=0)
    items: list[BatchAnswerItem | BatchProblemItem]


class WorklistItem(_Answer):
    """An open order in its place."""

    rank: int = Field(ge=1, description="Place within its state, see `priority`.")
    order_id: str
    state: Literal["at_risk", "already_late"]
    stage: str
    stage_since: AwareDatetime
    promised_by: AwareDatetime
    customer: str | None
    site: str | None
    destination: str | None
    risk: Risk
    delay: Delay
    reasons: list[ReasonOut]
    other_effect_pp: float = Field(description=_LAW)
    causes: list[CauseOut] = Field(description=_SHARES)
    exposure: Exposure
    priority: PriorityOut | None = Field(description="null once the promise has passed.")
    fits: bool = Field(description="Whether its action fits into people's time of one session.")
    plan: RecommendationOut | None = Field(
        description="What to do where orders that want the same stock are solved together; null if "
        "nothing is worth it, others get the stock, or it is far down the list."
    )
    handling: HandlingOut | None = Field(
        default=None, description="What people do with it; null where nothing is recorded."
    )


class GroupOut(_Answer):
    """Open orders that wait for the same thing."""

    cause: Cause
    text: str = Field(description="The sentence for people.")
    orders: list[str] = Field(description="Their ids, in the order of the list.")
    expected_loss: float = Field(ge=0, description="Of all of them, in `currency`.")
    currency: str = Field(description="ISO 4217 code of the first.")


class WorklistCounts(_Answer):
    """How many orders there are, whatever the filter, and how many it leaves."""

    at_risk: int = Field(ge=0)
    already_late: int = Field(ge=0)
    matching: int = Field(ge=0)


class WorklistAnswer(_Answer):
    """One page of the open orders; where acting prevents most per minute comes first."""

    as_of: AwareDatetime
    advisory: Literal[True]
    authority: str
    model: ModelName
    policy_version: str
    counts: WorklistCounts
    page: int = Field(ge=1)
    pages: int = Field(ge=1)
    page_size: int = Field(ge=1)
    groups: list[GroupOut] = Field(description="Whatever the filter, most expected loss first.")
    items: list[WorklistItem]


class FamilyOff(_Answer):
    """A family of features that the model does without."""

    family: str
    lacks: list[str] = Field(description="Inputs that the loaded sources do not have.")


class Champion(_Answer):
    """The model that answers."""

    name: str
    version: str
    digest: str
    features_version: str
    label_contract: str
    late_means: str = Field(description="The label contract in words.")
    policy_version: str
    trained_as_of: AwareDatetime = Field(description="It saw history up to this moment.")
    families_off: list[FamilyOff]


class ChallengerOut(_Answer):
    """The model that scores the same orders unseen; it never answers."""

    model_config = ConfigDict(extra="forbid", title="Challenger")

    name: str
    version: str
    digest: str = Field(description="SHA-256 of the model bundle, hexadecimal.")
    since: AwareDatetime = Field(description="When it was named the challenger.")
    trained_as_of: AwareDatetime | None = Field(
        description="It saw history up to this moment; null if it could not be loaded."
    )
    shares_state: bool = Field(
        description="Whether it looks at the champion's state of the log, having the same features."
    )
    problem: str | None = Field(description="Why it could not be loaded; null if it was.")


class RefusedOut(_Answer):
    """A model that was promoted and could not be loaded; the champion goes on."""

    model_config = ConfigDict(extra="forbid", title="Refused")

    version: str
    digest: str
    problem: str = Field(description="Why it could not be loaded.")


class ModelsAnswer(_Answer):
    """Models now in service."""

    champion: Champion
    challenger: ChallengerOut | None = Field(description="null while nothing challenges.")
    refused: RefusedOut | None = Field(
        description="The model that was promoted last, if it could not be loaded; else null."
    )


class Alive(_Answer):
    """The process answers."""

    status: Literal["alive"]


class TimelineEntry(_Answer):
    """One thing that is known of an order."""

    kind: Literal["milestone", "exception", "decision", "action"]
    what: str = Field(description="What it was, in a few words.")
    event_time: AwareDatetime = Field(description="When it happened.")
    record_time: AwareDatetime = Field(description="When it became known.")
    exception_id: str | None = Field(default=None, description="Of an exception.")
    act_id: str | None = Field(default=None, description="Of what somebody did.")
    decision_id: str | None = Field(default=None, description="Of a decision.")
    p_late: float | None = Field(default=None, description="Probability that a decision said.")


class TimelineAnswer(_Answer):
    """Everything known about an order, oldest first."""

    order_id: str
    entries: list[TimelineEntry]


class RecordState(_Answer):
    """How the ledger is."""

    last: int = Field(description="Number of the last entry that is kept.")
    behind: int = Field(description="Entries that are safe but not in the database yet.")
    problem: str | None = Field(description="Why the database does not take them, if it does not.")


class EventState(_Answer):
    """How the log of events is."""

    kept: int = Field(description="Number of the newest event.")
    applied: int = Field(description="Number of the newest event that scores have seen.")


class ListState(_Answer):
    """Whether the list stands; who asks for it before waits until it does."""

    ranked: bool
    waiting: int | None = Field(
        description="Open orders that are still to be assessed; null if that is not known, or none."
    )


class Ready(_Answer):
    """A model is loaded and the log is read."""

    status: Literal["ready", "degraded"] = Field(
        description="degraded: the model that was promoted last could not be loaded, or there is"
        " none and the rule answers (version `rule`)."
    )
    model: ModelName
    record: RecordState | None = Field(description="Decisions on record; unset if none are.")
    events: EventState | None = Field(default=None, description="Events that came in.")
    list: ListState | None = Field(
        default=None, description="In the first seconds the list is ranked beside scores."
    )


def described(name: str) -> dict[str, Any]:
    """Return a reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


class DecisionBasis(_Answer):
    """What a decision was made from."""

    model: str = Field(description="Digest of the at-risk bundle.")
    version: str = Field(description="Its version in the registry.")
    prices: str | None = Field(description="Digest of the bundle of prices, if there was one.")
    policy: str = Field(description="Digest of the policy in force.")
    history: str = Field(description="Fingerprint of the log of extracts.")
    events: int = Field(description="How many events were applied.")


class DecisionAnswer(_Answer):
    """A recorded decision. `triage replay ID` makes it again and compares."""

    decision_id: str
    seq: int = Field(description="Its place in the ledger.")
    recorded_at: AwareDatetime
    as_of: AwareDatetime
    hash: str = Field(description="Hash of the chain at this entry.")
    exact: str = Field(description="Digest of inputs, effects and probability, unrounded.")
    basis: DecisionBasis
    asked: dict[str, Any] | None = Field(description="The request; unset once it was erased.")
    answer: ScoreAnswer
