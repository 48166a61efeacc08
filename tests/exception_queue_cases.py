"""A queue of open exceptions about the orders of the made-up list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fastapi import FastAPI

from tests import exception_cases as cases
from tests import fakes
from tests.histories import START, history_of, order
from triage.advice.playbooks import load_playbooks
from triage.domain.clock import MICROS_PER_HOUR
from triage.domain.records import ExceptionEvent, Record
from triage.serving.exceptions.desk import ExceptionDesk
from triage.serving.exceptions.queue import ExceptionQueue

COUNT = 60
NOW = START + round((cases.END + 6) * MICROS_PER_HOUR)
_SAYS = ("short pick bin {}, recount", "order blocked, credit limit {}", "no scan since {}")
_UNSURE = "see attachment, thanks {}"


class LaterAdvisor(fakes.FakeAdvisor):
    """The made-up list, looked at when the exceptions are open."""

    def now(self) -> int:
        return NOW


def orders() -> list[str]:
    """Return the orders of the list that have an open exception, one each."""
    return [item.assessment.order_id for item in fakes.worklist().items[:COUNT]]


def raised(at: int) -> ExceptionEvent:
    """Return one open exception; every fifth says nothing that the model knows."""
    said = _UNSURE if at % 5 == 4 else _SAYS[at % 3]
    source = "fax" if at % 5 == 4 else ("erp", "wms")[at % 2]
    return cases.event(f"X{at:02}", cases.END - at / 2, orders()[at], source, said.format(100 + at))


def records() -> list[Record]:
    """Return the orders and their exceptions."""
    made: list[Record] = []
    for at, order_id in enumerate(orders()):
        made += [order(order_id, cases.END - 400), raised(at)]
    return made


def desk(told: Sequence[Record] = ()) -> ExceptionDesk:
    """Return a desk with these exceptions, or others; it is sure from 70 % on."""
    fitted = cases.fitted().model
    model = replace(fitted, numbers=fitted.numbers.model_copy(update={"threshold": 0.7}))
    history = history_of(told or records())
    return ExceptionDesk(model, "4", history, fakes.POLICY, load_playbooks())


def app(folder: Path | None = None, told: Sequence[Record] = ()) -> FastAPI:
    """Return the app over the list and the queue, which `app.state.queue` is."""
    queue = ExceptionQueue(desk(told))
    made = fakes.app(folder=folder, queue=queue, advisor=LaterAdvisor())
    made.state.queue = queue
    return made
