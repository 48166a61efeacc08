"""What is asked and answered about exceptions, with meanings and units."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from triage.domain.records import ExceptionEvent, ExceptionPhase, Identifier, Message, Word
from triage.serving.intake import MilestoneIn, Moment, OrderIn
from triage.serving.schemas import ModelName


class ExceptionIn(BaseModel):
    """An exception sent whole, as its source told it."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Exception")

    exception_id: Annotated[Identifier, Field(description="Id by which the answer names it.")]
    event_time: Moment = Field(description="When it happened.")
    record_time: Moment = Field(description="When it could have been known; not before event_time.")
    order_id: Annotated[
        Identifier | None, Field(description="The order it concerns, if it names one.")
    ] = None
    source: Annotated[Word | None, Field(description="The system or desk that tells it.")] = None
    code: Annotated[Word | None, Field(description="The source's own code.")] = None
    text: Annotated[Message | None, Field(description="The message, on one line.")] = None

    def record(self) -> ExceptionEvent:
        """Return the canonical record."""
        return ExceptionEvent(phase=ExceptionPhase.RAISED, **self.model_dump())


class ClassifyRequest(BaseModel):
    """One exception: stored (`exception_id`) or sent whole (`exception`, perhaps with `order`)."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"oneOf": [{"required": ["exception_id"]}, {"required": ["exception"]}]},
    )

    exception_id: Annotated[Identifier, Field(description="Id of an exception in the log.")] = ""
    exception: Annotated[ExceptionIn | None, Field(description="The exception itself.")] = None
    order: Annotated[
        OrderIn | None,
        Field(description="Its order, if the log does not hold it; only with `exception`."),
    ] = None
    milestones: Annotated[
        tuple[MilestoneIn, ...],
        Field(max_length=100, description="What happened to `order` so far; only with `order`."),
    ] = ()

    @model_validator(mode="after")
    def _one_exception(self) -> Self:
        if bool(self.exception_id) == (self.exception is not None):
            raise ValueError("give either exception_id or exception")
        if self.order is not None and self.exception is None:
            raise ValueError("order goes with exception: a stored one has its own")
        if self.order is None and self.milestones:
            raise ValueError("milestones go with order: a stored order has its own")
        if self.order is not None and any(
            m.order_id != self.order.order_id for m in self.milestones
        ):
            raise ValueError("a milestone names another order")
        named = self.exception.order_id if self.exception is not None else None
        if self.order is not None and named is not None and named != self.order.order_id:
            raise ValueError("exception names another order")
        return self


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ClassShare(_Answer):
    """A class of exceptions and how likely it is."""

    code: str = Field(description="The class, as people write it when they close one.")
    title: str = Field(description="The class in words.")
    probability: float = Field(ge=0, le=1)


class ExceptionReasonOut(_Answer):
    """Something that decided."""

    kind: Literal["words", "fact"]
    text: str = Field(description="The sentence for people.")
    effect: float = Field(description="What it added to the class's score, in log-odds.")
    words: list[str] = Field(description="The words that said most for the class; empty for facts.")


class PlaybookOut(_Answer):
    """What to do about this class of exceptions."""

    name: str
    title: str
    signs: list[str]
    steps: list[str] = Field(description="What to do, in turn.")
    false_alarms: list[str] = Field(description="What it may be instead.")
    escalation: str
    url: str = Field(description="Where the whole of it can be read.")


class ExceptionAnswer(_Answer):
    """What kind of exception it is. Advisory only: people say what it was when they close it."""

    exception_id: str
    order_id: str | None
    order_guessed: str | None = Field(
        description="Where the record names no order: the one that fits best what the message"
        " mentions (goods, customer, amount). A guess, of which the facts in `reasons` speak."
    )
    as_of: AwareDatetime = Field(description="Only what was known before this moment was used.")
    scored_at: AwareDatetime = Field(description="When the answer was given (wall clock).")
    stale_at: AwareDatetime = Field(description="Ask again after this moment.")
    advisory: Literal[True]
    authority: str = Field(description="The system that stays authoritative.")
    model: ModelName
    policy_version: str
    code: str = Field(description="The likeliest class; see `abstained` before acting on it.")
    probability: float = Field(ge=0, le=1, description="Of the likeliest class.")
    classes: list[ClassShare] = Field(description="Every class, likeliest first; they sum to 1.")
    abstained: bool = Field(description="Whether a person should say what it is.")
    why: list[str] = Field(description="Why so, in words; empty unless abstained.")
    reads_words: bool = Field(description="Whether the message's words were used.")
    stated_error: float = Field(
        ge=0,
        le=1,
        description="Share of the answers without abstention that was wrong on the newest weeks"
        " before training, which had not taught the model; expect it of this answer.",
    )
    owner: str | None = Field(description="The team that deals with it; null without a playbook.")
    severity: Literal["low", "medium", "high"] | None = Field(
        description="Of its kind; a step more for orders of much value and for some tiers."
    )
    severity_why: list[str] = Field(description="Why it is a step more than its kind, if it is.")
    sla_hours: float | None = Field(description="Hours in which somebody has dealt with it.")
    due_by: AwareDatetime | None = Field(description="event_time + sla_hours.")
    playbook: PlaybookOut | None
    reasons: list[ExceptionReasonOut] = Field(description="Strongest first.")
    other_effect: float = Field(description="Effect of everything not named in `reasons`.")
