"""What may be asked: requests, read strictly, with their meanings; part of the OpenAPI document."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from triage.domain.clock import to_micros
from triage.domain.records import Identifier, Milestone, Order, newest

_FIRST_YEAR, _LAST_YEAR = 1990, 2199


def _iso_time(value: object) -> object:
    """Return an ISO 8601 text as datetime; refuses numbers, also those written as text."""
    if isinstance(value, datetime):
        return value
    text = value.upper() if isinstance(value, str) else ""
    if "T" not in text:
        raise ValueError("must be ISO 8601 text with an offset, e.g. 2018-03-01T09:30:00-03:00")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("not a time in ISO 8601, e.g. 2018-03-01T09:30:00-03:00") from None
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise ValueError(f"must lie between the years {_FIRST_YEAR} and {_LAST_YEAR}")
    return moment


Moment = Annotated[AwareDatetime, BeforeValidator(_iso_time)]
"""A time with an offset; naive and epoch times are refused."""


class OrderIn(Order):
    """An order sent whole: the canonical record, times as ISO 8601 text with an offset."""

    model_config = ConfigDict(title="Order")

    event_time: Moment = Field(description="When the order was placed.")
    record_time: Moment = Field(description="When it could have been known; not before event_time.")
    promised_by: Moment = Field(
        description="First moment that counts as late before tolerance; for a promise that names a "
        "day, the end of that day in the promise's time zone."
    )
    not_before: Moment | None = Field(
        default=None, description="Earliest moment at which work may begin; unset means at once."
    )
    ship_by: Moment | None = Field(
        default=None, description="Deadline for the hand-over to the carrier, if there is one."
    )


class MilestoneIn(Milestone):
    """Something that happened to the order that is sent with it."""

    model_config = ConfigDict(title="Milestone")

    event_time: Moment = Field(description="When it happened.")
    record_time: Moment = Field(description="When it could have been known; not before event_time.")
    due_by: Moment | None = Field(default=None, description="Deadline it set for the next step.")


class ScoreRequest(BaseModel):
    """One order to score: stored (`order_id`) or sent whole (`order`, with its `milestones`)."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"oneOf": [{"required": ["order_id"]}, {"required": ["order"]}]},
    )

    order_id: Annotated[Identifier, Field(description="Id of an order in the log.")] = ""
    order: Annotated[OrderIn | None, Field(description="The order itself.")] = None
    milestones: Annotated[
        tuple[MilestoneIn, ...],
        Field(max_length=100, description="What happened to `order` so far; only with `order`."),
    ] = ()
    as_of: Annotated[
        Moment | None,
        Field(description="Score with what was known before this moment; unset means now."),
    ] = None
    recommend: Annotated[
        bool, Field(description="Whether other ways are looked for too; takes some milliseconds.")
    ] = False

    def moment(self, now: int) -> int:
        """Return the moment that is asked about, UTC micros: now where the request names none.

        Of an order that is sent whole, its newest record if that is later.
        """
        if self.as_of is not None:
            return to_micros(self.as_of)
        return now if self.order is None else newest(self.order, self.milestones, now)

    @model_validator(mode="after")
    def _one_order(self) -> Self:
        if bool(self.order_id) == (self.order is not None):
            raise ValueError("give either order_id or order")
        if self.order is None and self.milestones:
            raise ValueError("milestones go with order: a stored order has its own")
        if self.order is not None and any(
            m.order_id != self.order.order_id for m in self.milestones
        ):
            raise ValueError("a milestone names another order")
        return self


class BatchRequest(BaseModel):
    """Orders to score, each by itself: one that does not fit gives an error item."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    orders: Annotated[tuple[ScoreRequest, ...], Field(min_length=1)]
