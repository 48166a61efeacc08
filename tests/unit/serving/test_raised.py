from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from triage.domain.clock import to_micros
from triage.domain.records import ExceptionEvent, ExceptionPhase
from triage.history.tables import History
from triage.serving.exceptions.raised import RaisedExceptions

AT = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def raised(sample_history: History) -> RaisedExceptions:
    return RaisedExceptions(sample_history)


def event(phase: ExceptionPhase, order_id: str | None, hours: float = 0) -> ExceptionEvent:
    resolved = phase is ExceptionPhase.RESOLVED
    return ExceptionEvent(
        exception_id="EX-new", phase=phase, event_time=AT, record_time=AT + timedelta(hours=hours),
        order_id=order_id, text=None if resolved else "on hold",
        disposition="credit_hold" if resolved else None,
    )  # fmt: skip


def test_every_record_of_an_order_is_told_by_when_it_became_known(
    raised: RaisedExceptions, sample_history: History
) -> None:
    named = sample_history.exceptions.dropna(subset=["order_id"])
    for name, own in list(named.groupby("order_id"))[:200]:
        told = raised.of_order(str(name))
        assert [each.known for each in told] == sorted(own["record_time"].tolist())
        pairs = zip(own["exception_id"], own["phase"], strict=True)
        assert sorted((each.exception_id, each.phase) for each in told) == sorted(pairs)


def test_an_order_without_exceptions_has_none(raised: RaisedExceptions) -> None:
    assert raised.of_order("no such order") == []


def test_what_comes_in_later_is_told_with_its_text_or_class(raised: RaisedExceptions) -> None:
    raised.note(event(ExceptionPhase.RESOLVED, "SO-new", hours=5))
    raised.note(event(ExceptionPhase.RAISED, "SO-new", hours=1))
    raised.note(event(ExceptionPhase.RAISED, None))
    told = raised.of_order("SO-new")
    assert [(each.phase, each.text) for each in told] == [
        ("raised", "on hold"), ("resolved", "credit_hold"),
    ]  # fmt: skip
    assert told[0].event == to_micros(AT)
    assert told[0].known == to_micros(AT + timedelta(hours=1))
