from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from triage.domain.clock import MICROS_PER_DAY, NEVER, UNKNOWN_TIME
from triage.features import declarations
from triage.features.availability import available
from triage.features.book import OrderBook
from triage.features.compile import FeatureSet, Floats, compile_features
from triage.features.engine import FeatureEngine
from triage.features.facts import TIME, Subject
from triage.history.log import Log
from triage.history.tables import History
from triage.training.parity import differences, matrix_of, replay

LANDMARKS = ["order_created", "order_validated", "shipment_dispatched"]
Asked = list[tuple[str, int]]


@dataclass(frozen=True)
class Replayed:
    history: History
    features: FeatureSet
    asked: Asked
    live: Floats
    engine: FeatureEngine

    @property
    def of_history(self) -> list[int]:
        return [at for at, slot in enumerate(self.features.slots) if slot.feature.stream]

    def rebuilt(self, book: OrderBook) -> FeatureEngine:
        engine = FeatureEngine(self.features, time_zone="UTC", country="US")
        engine.book = book
        engine.index.fill(Subject.ORDER, book.rows())
        return engine

    def copy_of_book(self) -> OrderBook:
        return OrderBook.of(self.history, self.features.keysets)

    def differing(self, engine: FeatureEngine, shift: int = 0) -> int:
        """Return how many values differ in every eighth row: a leak shows in these too."""
        asked = [(order_id, moment + shift) for order_id, moment in self.asked[::8]]
        matrix = matrix_of(engine, asked)
        return differences(self.live[::8, self.of_history], matrix[:, self.of_history])


def replayed(history: History) -> Replayed:
    features = compile_features(declarations.load(), available(history))
    asked, live = replay(history, features, LANDMARKS)
    return Replayed(history, features, asked, live, FeatureEngine.of(history, features))


@pytest.fixture(scope="module")
def sample(sample_history: History) -> Replayed:
    return replayed(sample_history)


def test_the_live_index_gives_every_value_of_the_matrix(sample: Replayed) -> None:
    assert len(sample.asked) > 30_000
    assert differences(sample.live, matrix_of(sample.engine, sample.asked)) == 0


def test_windows_that_include_their_end_fail_the_replay(sample: Replayed) -> None:
    assert sample.differing(sample.engine, shift=1) > 0


def test_an_outcome_that_leaks_fails_the_replay(sample: Replayed) -> None:
    book = sample.copy_of_book()
    delivered = book.known[:, TIME["delivered"]]
    known = delivered != UNKNOWN_TIME
    delivered[known] = book.known[known, TIME["order_created"]]
    assert sample.differing(sample.rebuilt(book)) > 0


def test_an_outcome_that_is_known_only_on_delivery_fails_the_replay(sample: Replayed) -> None:
    book = sample.copy_of_book()
    delivered, promised = book.known[:, TIME["delivered"]], book.event[:, TIME["promised_by"]]
    late = (delivered != UNKNOWN_TIME) & (book.event[:, TIME["delivered"]] >= promised)
    promised[late] = delivered[late] - 1
    promised[delivered == UNKNOWN_TIME] = NEVER
    assert sample.differing(sample.rebuilt(book)) > 0


def test_deleting_what_was_known_later_changes_no_feature(sample: Replayed) -> None:
    assert_truncation_changes_nothing(sample)


def assert_truncation_changes_nothing(replayed: Replayed) -> None:
    """Cut the log three times; each row is looked at in the shortest log that reaches it."""
    known = replayed.history.orders["record_time"].to_numpy(np.int64)
    before = known[0]
    for share in (0.4, 0.6, 0.85):
        cut = int(known[0] + share * (known[-1] - known[0]))
        truncated = FeatureEngine.of(replayed.history.before(cut), replayed.features)
        rows = [at for at, pair in enumerate(replayed.asked) if before <= pair[1] < cut]
        assert len(rows) > 1000
        assert cut - known[0] > 90 * MICROS_PER_DAY
        matrix = matrix_of(truncated, [replayed.asked[at] for at in rows])
        assert differences(replayed.live[rows], matrix) == 0
        before = cut


@pytest.mark.olist
def test_olist_replays_and_truncates_without_a_difference(olist_home: Path) -> None:
    olist = replayed(Log(olist_home).read())
    assert len(olist.asked) == 174_591
    assert differences(olist.live, matrix_of(olist.engine, olist.asked)) == 0
    assert olist.differing(olist.engine, shift=1) > 0
    assert_truncation_changes_nothing(olist)
