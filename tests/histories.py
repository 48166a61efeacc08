"""Small histories for tests: from records to the tables that a log would give, and random ones."""

from __future__ import annotations

from collections.abc import Sequence

import hypothesis.strategies as st
import numpy as np
import pandas as pd

from triage.domain.clock import MICROS_PER_HOUR, UNKNOWN_TIME, from_micros, to_micros
from triage.domain.records import (
    ExceptionEvent,
    ExceptionPhase,
    InboundSupply,
    InventoryPosition,
    Milestone,
    MilestoneKind,
    Order,
    OrderLine,
    Record,
    Staffing,
    SupplyPhase,
)
from triage.history.tables import History, SourceInfo

START = to_micros(pd.Timestamp("2026-01-05T00:00:00Z").to_pydatetime())
SOURCE = SourceInfo(
    name="test", title="A test", time_zone="America/Chicago", promise="instant",
    currency="USD", country="US", extracted_at=START + 400 * 24 * MICROS_PER_HOUR,
)  # fmt: skip
_ORDER_FIELDS = [name for name in Order.model_fields if name != "lines"]
_TIMES = {"event_time", "record_time", "due_by", "expected_by"}


def history_of(records: Sequence[Record]) -> History:
    """Return the history that a log with these records would give."""
    orders = sorted(
        (r for r in records if isinstance(r, Order)),
        key=lambda o: (to_micros(o.record_time), o.order_id),
    )
    row_of = {order.order_id: row for row, order in enumerate(orders)}
    created = {order.order_id: to_micros(order.record_time) for order in orders}
    milestones: list[dict[str, object]] = [
        {
            "order_id": m.order_id, "milestone": m.milestone.value,
            "event_time": to_micros(m.event_time),
            "record_time": max(to_micros(m.record_time), created[m.order_id]),
            "due_by": UNKNOWN_TIME if m.due_by is None else to_micros(m.due_by),
            "order": row_of[m.order_id],
        }
        for m in records
        if isinstance(m, Milestone) and m.order_id in row_of
    ]  # fmt: skip
    return History(
        orders=_orders_frame(orders),
        lines=_lines_frame(orders),
        milestones=_frame(
            milestones,
            ["order_id", "milestone", "event_time", "record_time", "due_by", "order"],
            ["record_time", "order_id", "milestone", "event_time"],
        ).drop_duplicates(["order_id", "milestone"], ignore_index=True),
        positions=_frame(
            _singles(records, InventoryPosition),
            ["sku", "site", "event_time", "record_time", "on_hand", "allocated"],
            ["record_time", "site", "sku", "event_time"],
        ).drop_duplicates(["sku", "site", "event_time"], ignore_index=True),
        exceptions=_frame(
            [
                _row(e) | {"order": row_of.get(e.order_id or "", -1)}
                for e in records
                if isinstance(e, ExceptionEvent)
            ],
            [*ExceptionEvent.model_fields, "order"],
            ["record_time", "exception_id", "phase", "event_time"],
        ).drop_duplicates(["exception_id", "phase"], ignore_index=True),
        supplies=_frame(
            [_row(s) for s in records if isinstance(s, InboundSupply)],
            list(InboundSupply.model_fields),
            ["record_time", "supply_id", "phase", "event_time"],
        ).drop_duplicates(["supply_id", "phase"], ignore_index=True),
        staffing=_frame(
            _singles(records, Staffing),
            list(Staffing.model_fields),
            ["record_time", "site", "event_time"],
        ).drop_duplicates(["site", "event_time"], ignore_index=True),
        sources=(SOURCE,),
    )


def _singles(
    records: Sequence[Record], kind: type[InventoryPosition | Staffing]
) -> list[dict[str, object]]:
    """Return the records of a kind as rows of the log's table: times as micros."""
    return [
        each.model_dump()
        | {name: to_micros(getattr(each, name)) for name in ("event_time", "record_time")}
        for each in records
        if isinstance(each, kind)
    ]


def _row(record: ExceptionEvent | InboundSupply) -> dict[str, object]:
    """Return a record as a row of the log's table: times as micros, words as text."""
    row = record.model_dump(mode="python")
    for name in _TIMES & row.keys():
        row[name] = UNKNOWN_TIME if row[name] is None else to_micros(row[name])
    return row | {"phase": record.phase.value}


def _orders_frame(orders: Sequence[Order]) -> pd.DataFrame:
    rows = [{name: getattr(o, name) for name in _ORDER_FIELDS} for o in orders]
    frame = pd.DataFrame(rows, columns=_ORDER_FIELDS)
    for name in ("event_time", "record_time", "promised_by"):
        frame[name] = np.array([to_micros(getattr(o, name)) for o in orders], dtype=np.int64)
    for name in ("not_before", "ship_by"):
        times = [getattr(o, name) for o in orders]
        frame[name] = np.array(
            [UNKNOWN_TIME if time is None else to_micros(time) for time in times], dtype=np.int64
        )
    for name in (
        "payment_installments", "destination_latitude", "destination_longitude", "transit_days",
    ):  # fmt: skip
        frame[name] = frame[name].astype(float)
    return frame


def _lines_frame(orders: Sequence[Order]) -> pd.DataFrame:
    rows = [
        {"order_id": o.order_id, "order": row, **line.model_dump()}
        for row, o in enumerate(orders)
        for line in sorted(o.lines, key=lambda x: x.line_no)
    ]
    return _frame(rows, ["order_id", "order", *OrderLine.model_fields], [])


def _frame(rows: list[dict[str, object]], columns: list[str], by: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=columns)
    if by and len(frame):
        frame = frame.sort_values(by, ignore_index=True)
    for name in columns:
        if name in _TIMES | {"order", "line_no"}:
            frame[name] = frame[name].astype(np.int64)
    return frame


def order(order_id: str, at_hours: float, promise_hours: float = 100.0, **fields: object) -> Order:
    """Return an order with one line, created `at_hours` after START and known at once."""
    line = OrderLine(line_no=1, sku="S1", quantity=2, unit_price=10.0, site="W1", site_region="TX")
    made: dict[str, object] = {
        "order_id": order_id,
        "event_time": moment(at_hours),
        "record_time": moment(at_hours),
        "promised_by": moment(at_hours + promise_hours),
        "destination_region": "CA",
        "lines": (line,),
    }
    return Order.model_validate(made | fields)


def milestone(
    order_id: str, kind: str, at_hours: float, *, known_hours: float | None = None
) -> Milestone:
    """Return a milestone, known when it happened unless told otherwise."""
    return Milestone(
        order_id=order_id,
        milestone=MilestoneKind(kind),
        event_time=moment(at_hours),
        record_time=moment(at_hours if known_hours is None else known_hours),
    )


def moment(hours: float) -> pd.Timestamp:
    """Return START plus hours, as an aware datetime."""
    return from_micros(START + round(hours * MICROS_PER_HOUR))  # type: ignore[return-value]


_KINDS = [k for k in MilestoneKind if k not in {"order_created", "invoice_posted"}]


@st.composite
def records(draw: st.DrawFn, max_orders: int = 12) -> list[Record]:
    """Draw a history: few keys, coarse times (so that ties occur), late and missing records."""
    made: list[Record] = []
    for number in range(draw(st.integers(1, max_orders))):
        at = draw(st.integers(0, 200))
        lag = draw(st.sampled_from([0, 0, 3]))
        lines = tuple(
            OrderLine(
                line_no=n + 1,
                sku=draw(st.sampled_from(["S1", "S2"])),
                quantity=draw(st.integers(1, 5)),
                unit_price=draw(st.sampled_from([None, 1.5, 20.0])),
                site=draw(st.sampled_from([None, "W1", "W2"])),
                site_region=draw(st.sampled_from(["TX", "CA"])),
            )
            for n in range(draw(st.integers(0, 2)))
        )
        made.append(
            order(
                f"O{number}", at, draw(st.integers(-5, 150)), record_time=moment(at + lag),
                lines=lines, destination_region=draw(st.sampled_from([None, "CA", "NY"])),
                not_before=draw(st.sampled_from([None, None, moment(at - 2), moment(at + 40)])),
                ship_by=draw(st.sampled_from([None, moment(at + 30)])),
            )
        )  # fmt: skip
        for kind in draw(st.lists(st.sampled_from(_KINDS), unique=True, max_size=5)):
            happened = at + draw(st.integers(-4, 160))
            due = draw(st.sampled_from([None, 24, 48]))
            made.append(
                Milestone(
                    order_id=f"O{number}", milestone=kind, event_time=moment(happened),
                    record_time=moment(happened + draw(st.sampled_from([0, 0, 12]))),
                    due_by=None if due is None else moment(happened + due),
                )
            )  # fmt: skip
    made.extend(
        InventoryPosition(
            sku=draw(st.sampled_from(["S1", "S2"])), site="W1", event_time=moment(at),
            record_time=moment(at + draw(st.sampled_from([0, 6]))),
            on_hand=draw(st.integers(0, 50)),
        )
        for at in draw(st.lists(st.integers(0, 300), max_size=5, unique=True))
    )  # fmt: skip
    made.extend(draw(_exceptions(max_orders)))
    made.extend(draw(_supplies()))
    made.extend(
        Staffing(
            site=draw(st.sampled_from(["W1", "W2"])), event_time=moment(at),
            record_time=moment(at + draw(st.sampled_from([0, 6]))),
            hours=draw(st.integers(0, 50)),
        )
        for at in draw(st.lists(st.integers(0, 300), max_size=5, unique=True))
    )  # fmt: skip
    return made


@st.composite
def _exceptions(draw: st.DrawFn, orders: int) -> list[Record]:
    """Draw exceptions: some before their order, some of nobody, some closed before they opened."""
    made: list[Record] = []
    for number in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, 250))
        whose = draw(st.sampled_from([None, "O0", "O1", f"O{orders - 1}"]))
        after = draw(st.integers(-6, 60))
        for phase, happened in ((ExceptionPhase.RAISED, at), (ExceptionPhase.RESOLVED, at + after)):
            if draw(st.integers(0, 3)):
                made.append(
                    ExceptionEvent(
                        exception_id=f"E{number}", phase=phase, event_time=moment(happened),
                        record_time=moment(happened + draw(st.sampled_from([0, 0, 12]))),
                        order_id=whose, source="erp", code="X1",
                    )
                )  # fmt: skip
    return made


@st.composite
def _supplies(draw: st.DrawFn) -> list[Record]:
    """Draw inbound supplies: with and without a date, received in time, late, never."""
    made: list[Record] = []
    for number in range(draw(st.integers(0, 3))):
        at, sku = draw(st.integers(0, 200)), draw(st.sampled_from(["S1", "S2"]))
        due, received = draw(st.sampled_from([None, 24, 300])), draw(st.integers(1, 80))
        quantity = draw(st.integers(1, 40)) / 2
        for phase, happened in (
            (SupplyPhase.ORDERED, at), (SupplyPhase.RECEIVED, at + received)
        ):  # fmt: skip
            if draw(st.integers(0, 3)):
                made.append(
                    InboundSupply(
                        supply_id=f"P{number}", phase=phase, event_time=moment(happened),
                        record_time=moment(happened + draw(st.sampled_from([0, 6]))),
                        sku=sku, site="W1", quantity=quantity,
                        expected_by=None if due is None else moment(at + due),
                    )
                )  # fmt: skip
    return made
