"""Reading as of a moment: only what was known before it, as if nothing later had ever arrived."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.history.small import (
    TAKEN,
    Row,
    Small,
    line,
    milestone,
    order,
    stock,
    supply,
    trouble,
)

from triage.domain.clock import to_micros
from triage.history.tables import History

START = TAKEN - timedelta(days=60)
TABLES = ("orders", "lines", "milestones", "positions", "exceptions", "supplies")
KINDS = ("order_validated", "shipment_dispatched", "delivered")


@dataclass(frozen=True)
class Known:
    """A row of an extract, and the minute from which it is known."""

    record: str
    minute: int
    row: Row


def at(minute: int) -> str:
    return (START + timedelta(minutes=minute)).isoformat()


@st.composite
def histories(draw: st.DrawFn) -> list[Known]:
    minutes = st.integers(0, 30)
    known: list[Known] = []
    for number in range(draw(st.integers(1, 4))):
        happened, delay = draw(minutes), draw(st.integers(-5, 20))
        placed = max(happened, happened + delay)
        name = f"O{number}"
        times = {"event_time": at(happened), "record_time": at(happened + delay)}
        known.append(Known("order", placed, order(name, **times, promised_by=at(90))))
        numbers = range(1, 1 + draw(st.integers(0, 2)))
        known.extend(Known("order_line", placed, line(name, line_no=number)) for number in numbers)
        for kind in draw(st.sets(st.sampled_from(KINDS))):
            happened, delay = draw(minutes), draw(st.integers(-5, 20))
            times = {"event_time": at(happened), "record_time": at(happened + delay)}
            moment = max(happened, happened + delay, placed)
            known.append(Known("milestone", moment, milestone(name, milestone=kind, **times)))
    first = next(each.minute for each in known if each.record == "order")
    counted = draw(st.sets(minutes, max_size=2))
    known.extend(Known("inventory_position", m, stock(event_time=at(m))) for m in counted)
    for number in range(draw(st.integers(0, 3))):
        whose = draw(st.sampled_from([None, "O0"]))
        for phase, other in (("raised", "ordered"), ("resolved", "received")):
            happened, delay = draw(minutes), draw(st.integers(-5, 20))
            times = {"event_time": at(happened), "record_time": at(happened + delay)}
            moment = max(happened, happened + delay)
            known.append(
                Known("inbound_supply", moment, supply(f"P{number}", phase=other, **times))
            )
            if whose is None or moment >= first:
                row = trouble(f"E{number}", phase=phase, order_id=whose, **times)
                known.append(Known("exception_event", moment, row))
    return known


def read(base: Path, known: list[Known]) -> Small:
    small = Small(base)
    rows: dict[str, list[Row]] = {}
    for each in known:
        rows.setdefault(each.record, []).append(each.row)
    small.write(**rows)
    small.load()
    return small


def assert_equal(one: History, other: History) -> None:
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name))


@settings(max_examples=20, deadline=None)
@given(histories(), st.integers(0, 60))
def test_before_a_moment_equals_a_log_into_which_nothing_later_was_imported(
    known: list[Known], minute: int
) -> None:
    moment = to_micros(START + timedelta(minutes=minute))
    with tempfile.TemporaryDirectory() as folder:
        whole = read(Path(folder) / "whole", known)
        earlier = read(Path(folder) / "part", [each for each in known if each.minute < minute])
        assert_equal(whole.log.read().before(moment), earlier.log.read())
        assert_equal(whole.log.read(before=moment), earlier.log.read())
        assert whole.log.read(before=moment).sources == whole.log.read().before(moment).sources


def test_a_record_of_the_very_moment_is_not_known_before_it(small: Small) -> None:
    small.write(order=[order("A")], order_line=[line("A")], milestone=[milestone("A")])
    small.load()
    history = small.log.read()
    moment = int(history.orders["record_time"].iloc[0])
    assert len(history.before(moment).orders) == 0
    assert len(history.before(moment).lines) == 0
    assert len(history.before(moment + 1).orders) == 1
    assert len(history.before(moment + 1).lines) == 1
    assert len(history.before(moment + 1).milestones) == 0
    assert history.before(moment).extracted_at == moment


def test_tables_keep_their_types_when_nothing_is_left(small: Small) -> None:
    small.write(order=[order("A")], order_line=[line("A")], milestone=[milestone("A")])
    small.load()
    whole, none = small.log.read(), small.log.read(before=0)
    for name in TABLES:
        assert getattr(none, name).dtypes.equals(getattr(whole, name).dtypes)
        assert len(getattr(none, name)) == 0
    assert list(none.order_objects()) == []
