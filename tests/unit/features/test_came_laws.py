"""Events read at once with the log leave the state that they leave when they come one by one."""

from __future__ import annotations

import random
from collections.abc import Sequence

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings
from tests.histories import history_of, milestone, order, records
from tests.unit.features.declared import feature_set

from triage.domain.clock import to_micros
from triage.domain.records import (
    ExceptionEvent,
    ExceptionPhase,
    Milestone,
    Order,
    Record,
    kind_of,
)
from triage.features.book import OrderBook
from triage.features.engine import FeatureEngine
from triage.features.facts import TIME
from triage.history.came import Came, joined
from triage.history.tables import History

FEATURES = feature_set()


def came(events: Sequence[Record]) -> Came:
    documents: dict[type[Record], list[bytes]] = {}
    for record in events:
        text = record.model_dump_json(exclude_defaults=True)
        documents.setdefault(kind_of(record), []).append(text.encode())
    return Came.of(documents)


def singly(log: History, events: Sequence[Record]) -> FeatureEngine:
    engine = FeatureEngine.of(log, FEATURES)
    for record in events:
        engine.apply(record)
    return engine


def at_once(log: History, events: Sequence[Record]) -> FeatureEngine:
    return FeatureEngine.of(joined(log, came(events)), FEATURES)


def entries(engine: FeatureEngine) -> dict[tuple[int, tuple[str, ...]], list[tuple[int, ...]]]:
    """Every entry of the index by table and key: its time, and what it adds to each column."""
    arrays, program = engine.index.arrays, FEATURES.program
    found: dict[tuple[int, tuple[str, ...]], list[tuple[int, ...]]] = {}
    names = [{n: name for name, n in ids.items()} for ids in engine.book.interner._ids]
    for table, (_, keyset, columns) in enumerate(program.tables[:, :3].tolist()):
        start, room = arrays.heads[table]
        for key in range(room):
            segment = arrays.segment_of[start + key]
            if segment >= 0 and arrays.segments[segment, 2]:
                first, of_sums, count, _ = arrays.segments[segment].tolist()
                wide, at = columns // 2, first + of_sums
                counted = arrays.counts[at : at + count * (wide + 1)].reshape(count, wide + 1)
                summed = arrays.sums[of_sums : of_sums + count * wide].reshape(count, wide)
                running = np.column_stack([counted, summed]).astype(np.int64)
                times = arrays.times[first : first + count]
                added = np.column_stack([times, np.diff(running, axis=0, prepend=0)])
                found[table, name_of(names, engine, keyset, key)] = sorted(
                    map(tuple, added.tolist())
                )
    return found


def name_of(
    names: list[dict[int, tuple[str, ...]]], engine: FeatureEngine, keyset: int, key: int
) -> tuple[str, ...]:
    of_order = FEATURES.keysets[keyset] == ("order_id",)
    return (engine.book.ids[key],) if of_order else names[keyset][key]


def assert_same(one: FeatureEngine, other: FeatureEngine) -> None:
    n = len(one.book)
    assert one.book.ids == other.book.ids
    for name in ("event", "known", "numbers"):
        np.testing.assert_array_equal(
            getattr(one.book, name)[:n], getattr(other.book, name)[:n], err_msg=name
        )
    assert entries(one) == entries(other)


@settings(max_examples=60, deadline=None)
@given(records(), st.integers(0, 60), st.randoms(use_true_random=False))
def test_a_log_and_events_read_at_once_are_those_taken_in_singly(
    drawn: list[Record], imported: int, shuffle: random.Random
) -> None:
    imported = min(imported, len(drawn))
    log, events = history_of(drawn[:imported]), [*drawn[imported:], *drawn[::3]]
    shuffle.shuffle(events)
    assert_same(at_once(log, events), singly(log, events))


@settings(max_examples=60, deadline=None)
@given(records(max_orders=6), records(max_orders=6), st.randoms(use_true_random=False))
def test_records_that_contradict_each_other_count_as_they_do_singly(
    drawn: list[Record], otherwise: list[Record], shuffle: random.Random
) -> None:
    half = len(drawn) // 2
    log, events = history_of(drawn[:half]), [*drawn[half:], *otherwise]
    shuffle.shuffle(events)
    assert_same(at_once(log, events), singly(log, events))


@settings(max_examples=40, deadline=None)
@given(records(), st.randoms(use_true_random=False))
def test_what_comes_after_the_start_finds_the_state_that_it_would_have_found(
    drawn: list[Record], shuffle: random.Random
) -> None:
    shuffle.shuffle(drawn)
    third = len(drawn) // 3
    log, before, since = history_of(drawn[:third]), drawn[third : 2 * third], drawn[2 * third :]
    started = at_once(log, before)
    for record in since:
        started.apply(record)
    assert_same(started, singly(log, [*before, *since]))


def test_a_milestone_waits_for_an_order_that_comes_after_the_start() -> None:
    log = history_of([order("A", 0)])
    events = [milestone("B", "order_validated", 4)]
    started = at_once(log, events)
    assert len(started.book) == 1
    started.apply(order("B", 3))
    assert started.book.known[1, TIME["order_validated"]] == to_micros(events[0].record_time)
    assert_same(started, singly(log, [*events, order("B", 3)]))


def test_a_later_validation_without_a_deadline_leaves_none_of_an_earlier_one() -> None:
    first = Milestone.model_validate(
        milestone("A", "order_validated", 9).model_dump() | {"due_by": order("A", 90).event_time}
    )
    second = milestone("A", "order_validated", 5)
    books = [OrderBook(FEATURES.keysets) for _ in range(2)]
    for book, sequence in zip(books, ([first, second], [second, first]), strict=True):
        book.add_order(order("A", 0))
        for each in sequence:
            book.add_milestone(each)
    np.testing.assert_array_equal(books[0].known, books[1].known)


def test_an_exception_that_names_another_order_later_is_counted_once() -> None:
    raised = ExceptionEvent.model_validate({
        "exception_id": "E", "phase": "raised", "order_id": "A",
        "event_time": order("A", 1).event_time, "record_time": order("A", 1).event_time,
    })  # fmt: skip
    resolved = raised.model_copy(update={"phase": ExceptionPhase.RESOLVED, "order_id": "B"})
    events: list[Record] = [order("A", 0), raised, resolved, order("B", 2)]
    assert_same(singly(history_of([]), events), at_once(history_of([]), events))
    assert isinstance(events[0], Order)
