from __future__ import annotations

from datetime import UTC, datetime, timedelta

from triage.advice.policy import FreshnessPolicy
from triage.domain.clock import to_micros
from triage.domain.records import InventoryPosition, Record, Staffing
from triage.history.tables import History
from triage.serving.feeds import Feeds


def position(known: datetime) -> Record:
    return InventoryPosition(
        sku="A", site="S", event_time=known, record_time=known, on_hand=1.0, allocated=0.0
    )


def test_a_feed_is_as_old_as_its_newest_record(sample_history: History) -> None:
    feeds = Feeds(sample_history)
    now = sample_history.extracted_at
    before = feeds.ages(now)
    assert set(before) == {
        "orders", "milestones", "positions", "exceptions", "supplies", "staffing",
    }  # fmt: skip
    newest = int(sample_history.positions["record_time"].max())
    assert before["positions"] == (now - newest) / 1e6

    feeds.note(position(datetime(2020, 1, 1, tzinfo=UTC)))
    assert feeds.ages(now) == before

    moment = datetime.fromtimestamp(now / 1e6, UTC)
    feeds.note(position(moment))
    assert feeds.ages(to_micros(moment + timedelta(hours=1)))["positions"] == 3600.0
    assert feeds.ages(now) == before | {"positions": 0.0}


def test_a_feed_that_rests_on_days_off_may_be_silent_for_longer() -> None:
    freshness = FreshnessPolicy(feed_hours=72, feed_hours_of={"staffing": 120})
    monday = datetime(2026, 1, 19, 12, tzinfo=UTC)
    friday = monday - timedelta(hours=77)
    feeds = Feeds()
    feeds.note(position(friday))
    feeds.note(Staffing(site="S", event_time=friday, record_time=friday, hours=40.0))
    assert feeds.stale(to_micros(monday), freshness.hours_of) == ("positions",)
    later = to_micros(monday + timedelta(hours=43))
    assert feeds.stale(later, freshness.hours_of) == ("positions", "staffing")
