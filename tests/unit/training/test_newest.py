from __future__ import annotations

import numpy as np
import pytest

from triage.features.availability import available
from triage.features.compile import compile_features
from triage.features.declarations import load
from triage.features.engine import FeatureEngine
from triage.history.tables import History
from triage.training.newest import newest_orders
from triage.training.rehearsal import streamed_engine

MOST = 1_500


@pytest.fixture(scope="module")
def newest(sample_history: History) -> History:
    return newest_orders(sample_history, MOST)


def test_the_newest_orders_keep_all_that_was_recorded_of_them(
    sample_history: History, newest: History
) -> None:
    whole, first = sample_history, len(sample_history.orders) - MOST
    assert newest.orders["order_id"].tolist() == whole.orders["order_id"].tolist()[first:]
    for name in ("lines", "milestones"):
        kept, table = getattr(newest, name), getattr(whole, name)
        of_them = table[table["order"] >= first]
        assert len(kept) == len(of_them) > MOST
        ids = newest.orders["order_id"].to_numpy()
        assert (ids[kept["order"].to_numpy()] == of_them["order_id"].to_numpy()).all()


def test_nothing_that_is_kept_began_before_the_first_of_them(newest: History) -> None:
    begins = int(newest.orders["record_time"].iloc[0])
    for name in ("milestones", "positions", "exceptions", "supplies"):
        table = getattr(newest, name)
        assert len(table) > 0
        assert table["record_time"].min() >= begins
    assert newest.exceptions["order"].max() < MOST
    cases = (("exceptions", "exception_id", "raised"), ("supplies", "supply_id", "ordered"))
    for name, key, phase in cases:
        table = getattr(newest, name)
        assert (table[table["phase"] == phase][key].nunique()) == table[key].nunique()


def test_a_log_that_is_short_enough_stays_as_it_is(sample_history: History) -> None:
    assert newest_orders(sample_history, len(sample_history.orders)) is sample_history


def test_an_engine_of_the_newest_orders_is_the_same_at_once_and_record_by_record(
    newest: History,
) -> None:
    features = compile_features(load(), available(newest))
    whole = FeatureEngine.of(newest, features)
    fed, streamed = streamed_engine(newest, features, 300)
    assert streamed >= 300
    rows = np.arange(MOST - 50, MOST)
    as_of = np.full(len(rows), newest.extracted_at)
    np.testing.assert_array_equal(whole.matrix(rows, as_of), fed.matrix(rows, as_of))
