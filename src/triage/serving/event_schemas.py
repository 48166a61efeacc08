"""What may be sent as events: canonical records in an envelope, read strictly."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from triage.domain.records import (
    ExceptionEvent,
    Identifier,
    InboundSupply,
    InventoryPosition,
    Record,
    Staffing,
)
from triage.serving.intake import MilestoneIn, Moment, OrderIn


class PositionIn(InventoryPosition):
    """Stock of a product at a site as a system reported it."""

    model_config = ConfigDict(title="InventoryPosition")

    event_time: Moment = Field(description="When it was counted.")
    record_time: Moment = Field(description="When it could have been known; not before event_time.")


class ExceptionEventIn(ExceptionEvent):
    """A business exception that was raised or resolved."""

    model_config = ConfigDict(title="ExceptionEvent")

    event_time: Moment = Field(description="When it happened.")
    record_time: Moment = Field(description="When it could have been known; not before event_time.")


class SupplyIn(InboundSupply):
    """A delivery on its way to a site that was ordered or received."""

    model_config = ConfigDict(title="InboundSupply")

    event_time: Moment = Field(description="When it happened.")
    record_time: Moment = Field(description="When it could have been known; not before event_time.")
    expected_by: Moment | None = Field(
        default=None, description="First moment at which it counts as overdue."
    )


class StaffingIn(Staffing):
    """Hours of work on the floor of a site on one day, told as it begins."""

    model_config = ConfigDict(title="Staffing")

    event_time: Moment = Field(description="When that day's work begins.")
    record_time: Moment = Field(description="When it could have been known; not before event_time.")


class _Envelope(BaseModel):
    """An event: attributes of CloudEvents 1.0 around one record; others are not kept."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: Annotated[Identifier, Field(description="Sent again with the same source, it is ignored.")]
    source: Annotated[str, Field(strict=True, max_length=500, description="Who sends it.")] = ""
    specversion: Literal["1.0"] = "1.0"


class OrderEvent(_Envelope):
    """An order was placed."""

    type: Literal["order", "triage.order"]
    data: OrderIn


class MilestoneEvent(_Envelope):
    """Something happened to an order."""

    type: Literal["milestone", "triage.milestone"]
    data: MilestoneIn


class PositionEvent(_Envelope):
    """Stock was reported."""

    type: Literal["inventory_position", "triage.inventory_position"]
    data: PositionIn


class ExceptionEventEvent(_Envelope):
    """An exception was raised or resolved."""

    type: Literal["exception_event", "triage.exception_event"]
    data: ExceptionEventIn


class SupplyEvent(_Envelope):
    """Goods were ordered from a vendor or received."""

    type: Literal["inbound_supply", "triage.inbound_supply"]
    data: SupplyIn


class StaffingEvent(_Envelope):
    """The hours of a site on a day became known."""

    type: Literal["staffing", "triage.staffing"]
    data: StaffingIn


class Event(
    RootModel[
        Annotated[
            OrderEvent
            | MilestoneEvent
            | PositionEvent
            | ExceptionEventEvent
            | SupplyEvent
            | StaffingEvent,
            Field(discriminator="type"),
        ]
    ]
):
    """One record with its envelope: CloudEvents 1.0, or `id`, `type` and `data` alone."""

    @property
    def key(self) -> str:
        """Return what makes it one event: its source and id."""
        return f"{self.root.source}\n{self.root.id}"

    @property
    def record(self) -> Record:
        """Return the canonical record."""
        return self.root.data


class EventBatch(BaseModel):
    """Several events, each by itself: one that does not fit gives an item with `problem`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    events: Annotated[tuple[Event, ...], Field(min_length=1)]


class EventList(RootModel[tuple[Event, ...]]):
    """Several events as CloudEvents batches them."""


class EventsAnswer(BaseModel):
    """What became of events; what is accepted is on the disk and in the state that scores read."""

    accepted: Annotated[int, Field(description="New events; all are kept.")]
    known: Annotated[
        int,
        Field(
            description="Of the accepted: orders whose `order_id`, positions whose `sku`, `site`"
            " and `event_time`, and staffing whose `site` and `event_time` were known before, from"
            " the log or an earlier event. The first stands: these change nothing, whatever they"
            " say."
        ),
    ]
    duplicates: Annotated[int, Field(description="Events that were sent before; ignored.")]
    failed: Annotated[int, Field(description="Events that do not fit; see `problems`.")]
    last: Annotated[int, Field(description="Number of the newest event that is kept.")]
    problems: Annotated[
        list[dict[str, object]], Field(description="`index` and `problem` of each that failed.")
    ]
