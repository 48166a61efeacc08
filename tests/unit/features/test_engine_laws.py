from __future__ import annotations

import random

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings
from tests.histories import START, history_of, moment, order, records
from tests.unit.features.declared import feature_set

from triage.domain.clock import MICROS_PER_HOUR, UNKNOWN_TIME
from triage.domain.records import Record
from triage.features.compile import Floats, Ints
from triage.features.engine import FeatureEngine
from triage.features.facts import MILESTONES

FEATURES = feature_set()


def moments(engine: FeatureEngine) -> tuple[Ints, Ints]:
    """Every milestone of every order, and two moments after each order."""
    pairs = set()
    for row in range(len(engine.book)):
        known = engine.book.known[row, : len(MILESTONES)]
        for at in known[known != UNKNOWN_TIME]:
            for lag in (0, MICROS_PER_HOUR, 50 * MICROS_PER_HOUR):
                pairs.add((row, int(at) + lag))
    rows, as_of = zip(*sorted(pairs), strict=True)
    return np.array(rows), np.array(as_of)


def live(stream: list[Record]) -> FeatureEngine:
    engine = FeatureEngine(FEATURES, time_zone="America/Chicago", country="US")
    engine.stream(stream)
    return engine


def values(engine: FeatureEngine, ids: list[str], as_of: Ints) -> Floats:
    rows = np.array([engine.book.row_of[order_id] for order_id in ids])
    return engine.matrix(rows, as_of)


@settings(max_examples=150, deadline=None)
@given(records(), st.randoms(use_true_random=False))
def test_records_in_any_order_and_repeated_give_the_state_of_the_ordered_stream(
    drawn: list[Record], shuffle: random.Random
) -> None:
    ordered = FeatureEngine.of(history_of(drawn), FEATURES)
    disordered = drawn + drawn[::2]
    shuffle.shuffle(disordered)
    streamed = live(disordered)
    rows, as_of = moments(ordered)
    ids = [ordered.book.ids[row] for row in rows]
    np.testing.assert_array_equal(ordered.matrix(rows, as_of), values(streamed, ids, as_of))


@settings(max_examples=80, deadline=None)
@given(records(), st.lists(st.integers(0, 60), max_size=3), st.randoms(use_true_random=False))
def test_however_records_are_divided_into_parts_the_state_is_the_same(
    drawn: list[Record], cuts: list[int], shuffle: random.Random
) -> None:
    ordered = FeatureEngine.of(history_of(drawn), FEATURES)
    disordered = drawn + drawn[::3]
    shuffle.shuffle(disordered)
    parted = live([])
    ends = sorted(min(cut, len(disordered)) for cut in cuts)
    for first, end in zip([0, *ends], [*ends, len(disordered)], strict=True):
        parted.apply_all(disordered[first:end])
    rows, as_of = moments(ordered)
    ids = [ordered.book.ids[row] for row in rows]
    np.testing.assert_array_equal(ordered.matrix(rows, as_of), values(parted, ids, as_of))


@settings(max_examples=150, deadline=None)
@given(records(), st.integers(0, 300))
def test_no_feature_changes_when_everything_known_later_is_deleted(
    drawn: list[Record], cut_hours: int
) -> None:
    history = history_of(drawn)
    whole = FeatureEngine.of(history, FEATURES)
    rows, as_of = moments(whole)
    cut = int(as_of.min()) + cut_hours * MICROS_PER_HOUR
    truncated = FeatureEngine.of(history.before(cut), FEATURES)
    before = (as_of < cut) & (rows < len(truncated.book))
    np.testing.assert_array_equal(
        whole.matrix(rows[before], as_of[before]), truncated.matrix(rows[before], as_of[before])
    )


@settings(max_examples=50, deadline=None)
@given(records())
def test_one_row_equals_its_row_of_the_matrix(drawn: list[Record]) -> None:
    engine = FeatureEngine.of(history_of(drawn), FEATURES)
    rows, as_of = moments(engine)
    matrix = engine.matrix(rows, as_of)
    one = np.empty(len(engine.names))
    for at, (row, asked) in enumerate(zip(rows, as_of, strict=True)):
        engine.vector(engine.book.row(int(row)), int(asked), one)
        np.testing.assert_array_equal(one, matrix[at])


@settings(max_examples=50, deadline=None)
@given(records(), st.sets(st.sampled_from(FEATURES.names), min_size=1, max_size=4))
def test_columns_are_the_same_whatever_else_is_asked_for(
    drawn: list[Record], wanted: set[str]
) -> None:
    engine = FeatureEngine.of(history_of(drawn), FEATURES)
    rows, as_of = moments(engine)
    columns = sorted(wanted)
    places = [engine.names.index(name) for name in columns]
    whole = engine.matrix(rows, as_of)[:, places]
    np.testing.assert_array_equal(engine.matrix(rows, as_of, columns), whole)
    one, needed = np.empty(len(engine.names)), engine.needs(columns)
    for at, (row, asked) in enumerate(zip(rows, as_of, strict=True)):
        engine.vector(engine.book.row(int(row)), int(asked), one, needed)
        np.testing.assert_array_equal(one[places], whole[at])


def test_what_a_promise_leaves_counts_from_the_start_of_an_order_for_a_later_day() -> None:
    later = order("A", 0, 100, not_before=moment(60))
    engine = FeatureEngine.of(history_of([later, order("B", 1, 100)]), FEATURES)
    promise, aged = FEATURES.names.index("promise"), FEATURES.names.index("aged")
    hours = [0, 30, 60, 80]
    asked = np.array([START + hour * MICROS_PER_HOUR for hour in hours])
    found = engine.matrix(np.zeros(4, dtype=np.int64), asked)
    assert found[:, promise].tolist() == [40, 40, 40, 20]
    assert found[:, aged].tolist()[1:] == [1, 1, 1]  # only B has waited for a day
    aged_a = engine.matrix(np.array([0]), np.array([START + 85 * MICROS_PER_HOUR]))
    assert aged_a[0, aged] == 2
