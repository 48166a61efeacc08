from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from tests.histories import moment, order

from triage.domain.records import ExceptionEvent, ExceptionPhase, Order
from triage.serving.exceptions.queue import ExceptionQueue


class Desk:
    """Counts what it is asked to classify, and with which order."""

    open_ids: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.asked: list[tuple[str, Order | None]] = []

    def of_event(self, event: ExceptionEvent, order: Order | None = None) -> Any:
        self.asked.append((event.exception_id, order))
        return SimpleNamespace(event=event)

    def is_closed(self, _: str) -> bool:
        return False

    def close(self, _: str) -> None:
        """Nothing to note."""

    def take_over(self, *_: object) -> None:
        """Nothing to note."""


class Orders:
    def order_of(self, order_id: str | None) -> Order | None:
        return order(order_id or "", 0)


def raised(name: str, hours: float = 1, phase: str = "raised") -> ExceptionEvent:
    return ExceptionEvent(
        exception_id=name, phase=ExceptionPhase(phase), event_time=moment(hours),
        record_time=moment(hours), order_id="A",
    )  # fmt: skip


def queue() -> tuple[ExceptionQueue, Desk]:
    desk = Desk()
    return ExceptionQueue(desk), desk  # type: ignore[arg-type]


def test_what_is_recalled_is_classified_when_somebody_looks_and_closed_unseen() -> None:
    own, desk = queue()
    for name in ("E1", "E2", "E3"):
        own.recall(raised(name), Orders())
    own.recall(raised("E2", 2, "resolved"))
    assert desk.asked == []
    assert list(own.open) == ["E1", "E3"]
    assert [name for name, _ in desk.asked] == ["E1", "E3"]
    assert list(own.open) == ["E1", "E3"]
    assert len(desk.asked) == 2


def test_beside_requests_what_is_open_is_classified_first_then_what_was_raised_lately() -> None:
    own, desk = queue()
    for hours, name in enumerate(("OLD", "GONE", "OPEN")):
        own.recall(raised(name, hours))
    for name in ("OLD", "GONE"):
        own.recall(raised(name, 5, "resolved"))
    since = 1_000_000 * round(moment(1).timestamp())
    assert own.classify(since, 1) == 1
    assert own.classify(since, 10) == 1
    assert own.classify(since, 10) == 0
    assert [name for name, _ in desk.asked] == ["OPEN", "GONE"]


def test_another_model_classifies_with_the_order_that_was_known() -> None:
    own, desk = queue()
    own.note(raised("E1"), Orders())
    own.take_over(SimpleNamespace(), "2")  # type: ignore[arg-type]
    assert list(own.open) == ["E1"]
    assert desk.asked == [("E1", order("A", 0)), ("E1", order("A", 0))]
