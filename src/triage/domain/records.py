"""Canonical records: what both doors (files and the API) turn everything into.

Each record carries two times. `event_time`: when it happened in the world. `record_time`: when we
could have known. Only `record_time` decides what a feature may see; at intake it is raised to
`event_time` where a source claims to have known something before it happened.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Annotated, Self, get_args

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from triage.domain.clock import to_micros


class MilestoneKind(StrEnum):
    """Lifecycle events of an order, in their usual sequence."""

    ORDER_CREATED = "order_created"
    ORDER_VALIDATED = "order_validated"
    ALLOCATION_CONFIRMED = "allocation_confirmed"
    PICK_RELEASED = "pick_released"
    SHIPMENT_DISPATCHED = "shipment_dispatched"
    DELIVERED = "delivered"
    ORDER_CANCELLED = "order_cancelled"
    INVOICE_POSTED = "invoice_posted"


class ExceptionPhase(StrEnum):
    """The two moments of a business exception."""

    RAISED = "raised"
    RESOLVED = "resolved"


class SupplyPhase(StrEnum):
    """The two moments of an inbound delivery."""

    ORDERED = "ordered"
    RECEIVED = "received"


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("contains control or invisible characters")
    return text


Identifier = Annotated[
    str, Field(strict=True, min_length=1, max_length=120), AfterValidator(_printable)
]
"""An id as the source system writes it: 1-120 printable characters."""
Word = Annotated[str, Field(strict=True, min_length=1, max_length=80), AfterValidator(_printable)]
"""A short code or name: region, category, carrier, channel."""
Message = Annotated[
    str, Field(strict=True, min_length=1, max_length=2000), AfterValidator(_printable)
]
"""What a system or a person wrote, on one line."""
Amount = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
"""Money in the order's currency, 0 to 1e9."""
Quantity = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]
Measure = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Timed(_Frozen):
    """A record with the two times; each class says where they stand among its fields."""

    if TYPE_CHECKING:
        event_time: AwareDatetime
        record_time: AwareDatetime

    @model_validator(mode="after")
    def _known_after_it_happened(self) -> Self:
        if self.record_time < self.event_time:
            object.__setattr__(self, "record_time", self.event_time)
        return self


class OrderLine(_Frozen):
    """One line of an order: what, how many, at what price, and from which site it ships.

    `site` is whatever ships: a warehouse, a 3PL, a marketplace seller.

    What was agreed is a piece's price as valid and known on the day of the order, for this customer
    and quantity: `contract_price` by the contract in force, `former_contract_price` by the one
    before it, `promotion_price` by the best promotion or clearance, `volume_price` by the list of
    that day and its quantity breaks. `case_quantity` is the pieces in a case.
    `substitute_sku` is another product that does the same, as declared in the item master.
    """

    line_no: Annotated[int, Field(ge=1, le=100_000)]
    sku: Identifier
    quantity: Quantity = 1.0
    unit_price: Amount | None = None
    list_price: Amount | None = None
    contract_price: Amount | None = None
    former_contract_price: Amount | None = None
    promotion_price: Amount | None = None
    volume_price: Amount | None = None
    case_quantity: Quantity | None = None
    freight: Amount | None = None
    category: Word | None = None
    site: Identifier | None = None
    site_region: Word | None = None
    site_area: Word | None = None
    site_latitude: Latitude | None = None
    site_longitude: Longitude | None = None
    weight_kg: Measure | None = None
    volume_l: Measure | None = None
    substitute_sku: Identifier | None = None


class Order(_Timed):
    """A customer's order as it was first confirmed; `promised_by` is never rewritten.

    `promised_by` is the first moment that counts as late before tolerance: for a promise that names
    a day, the end of that day in the promise's time zone. `not_before` is the earliest moment at
    which work on it may begin, for orders placed for a later day; unset means at once. `ship_by` is
    the deadline for its hand-over to the carrier, where that is planned as the order comes in.
    `priority` is the code by which sites take orders in turn, as set when it came in; where it
    begins with a number, smaller ones go first. `transit_days` is how many working days the table
    of its carrier or route gives the way from hand-over to delivery.
    """

    order_id: Identifier
    event_time: AwareDatetime
    record_time: AwareDatetime
    promised_by: AwareDatetime
    not_before: AwareDatetime | None = None
    ship_by: AwareDatetime | None = None
    customer_id: Identifier | None = None
    customer_name: Word | None = None
    customer_tier: Word | None = None
    channel: Word | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    payment_method: Word | None = None
    payment_installments: Annotated[int, Field(ge=0, le=1000)] | None = None
    destination_region: Word | None = None
    destination_area: Word | None = None
    destination_latitude: Latitude | None = None
    destination_longitude: Longitude | None = None
    carrier: Word | None = None
    service: Word | None = None
    priority: Word | None = None
    transit_days: Measure | None = None
    lines: Annotated[tuple[OrderLine, ...], Field(max_length=1000)] = ()

    @model_validator(mode="after")
    def _one_line_a_number(self) -> Self:
        numbers = [line.line_no for line in self.lines]
        if len(set(numbers)) != len(numbers):
            raise ValueError("two lines carry the same line_no")
        return self

    @property
    def record_id(self) -> str:
        """Identity in the log: one order record per order."""
        return self.order_id

    @property
    def value(self) -> float:
        """Sum of quantity x unit price over the lines, in the order's currency."""
        return sum(line.quantity * (line.unit_price or 0.0) for line in self.lines)


class Milestone(_Timed):
    """Something that happened to an order. `due_by` is a deadline that it set for the next step."""

    order_id: Identifier
    milestone: MilestoneKind
    event_time: AwareDatetime
    record_time: AwareDatetime
    due_by: AwareDatetime | None = None

    @property
    def record_id(self) -> str:
        """Identity in the log: the first of each kind counts for an order."""
        return f"{self.order_id}|{self.milestone.value}"


def newest(order: Order, milestones: Iterable[Milestone], now: int) -> int:
    """Return when the last of some records became known, or a later moment, UTC micros."""
    times = (to_micros(each.record_time) for each in milestones)
    return max(now, to_micros(order.record_time), *times)


class InventoryPosition(_Timed):
    """Stock of a sku at a site as a system reported it."""

    sku: Identifier
    site: Identifier
    event_time: AwareDatetime
    record_time: AwareDatetime
    on_hand: Measure
    allocated: Measure = 0.0

    @property
    def record_id(self) -> str:
        """Identity in the log: one position per sku, site and moment."""
        return f"{self.sku}|{self.site}|{self.event_time.isoformat()}"


class Staffing(_Timed):
    """Hours of work on the floor of a site on one day: of its roster, or as time clocks tell them.

    `event_time` is when that day's work begins. The hours that became known last stand for now's,
    so days are told one by one, as they begin.
    """

    site: Identifier
    event_time: AwareDatetime
    record_time: AwareDatetime
    hours: Measure

    @property
    def record_id(self) -> str:
        """Identity in the log: one record per site and beginning."""
        return f"{self.site}|{self.event_time.isoformat()}"


class ExceptionEvent(_Timed):
    """A business exception as its source told it: raised once, resolved once, each known in time.

    An exception without `order_id` counts for the company only. What an exception is and whom it
    concerns is taken from the record that raises it. `disposition` is the class that whoever closed
    it wrote down; only that of the record that resolves it counts, from its record_time on.
    """

    exception_id: Identifier
    phase: ExceptionPhase
    event_time: AwareDatetime
    record_time: AwareDatetime
    order_id: Identifier | None = None
    source: Word | None = None
    code: Word | None = None
    text: Message | None = None
    disposition: Word | None = None

    @property
    def record_id(self) -> str:
        """Identity in the log: the first record of each phase counts for an exception."""
        return f"{self.exception_id}|{self.phase.value}"


class InboundSupply(_Timed):
    """A delivery that is on its way to a site: ordered, later received.

    `expected_by` is the first moment at which it counts as overdue, as first confirmed. Sku, site,
    quantity and `expected_by` are taken from the record of the order.
    """

    supply_id: Identifier
    phase: SupplyPhase
    event_time: AwareDatetime
    record_time: AwareDatetime
    sku: Identifier
    site: Identifier
    quantity: Quantity
    expected_by: AwareDatetime | None = None
    vendor: Identifier | None = None

    @property
    def record_id(self) -> str:
        """Identity in the log: the first record of each phase counts for a delivery."""
        return f"{self.supply_id}|{self.phase.value}"


Record = Order | Milestone | InventoryPosition | Staffing | ExceptionEvent | InboundSupply


@cache
def _kind(cls: type[Record]) -> type[Record]:
    return next(kind for kind in get_args(Record) if issubclass(cls, kind))


def kind_of(record: Record) -> type[Record]:
    """Return which kind of record it is; one that is read more strictly is of the same kind."""
    return _kind(type(record))
