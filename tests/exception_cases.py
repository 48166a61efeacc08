"""A small world of exceptions for tests: three kinds, two sources, words that mostly tell."""

from __future__ import annotations

import random
from functools import cache

from tests import fakes
from tests.histories import START, history_of, milestone, moment, order
from triage.advice.playbooks import load_playbooks
from triage.domain.clock import MICROS_PER_HOUR
from triage.domain.records import ExceptionEvent, ExceptionPhase, Record
from triage.history.tables import History
from triage.models.exceptions_context import LogContext
from triage.serving.exceptions.desk import ExceptionDesk
from triage.training.exception_fit import Fit, fit_exceptions
from triage.training.exception_recipe import ExceptionRecipe, load_recipe
from triage.training.exception_rows import ExceptionRows, exception_rows

_SAYS = {
    "credit_hold": ("order blocked, credit limit", "payment overdue, blocked", "blocked S210"),
    "pick_short": ("bin empty at {} recount", "short pick bin {}", "blocked S210 bin {}"),
    "carrier_delay": ("truck stands at hub {}", "delayed, weather", "no scan since {}"),
}
_SOURCES = ("erp", "wms")
COUNT = 600
END = 4.0 * COUNT


def records() -> list[Record]:
    """Return orders, each with an exception that is closed a day later."""
    dice = random.Random(7)  # noqa: S311 - a test draws the same every time
    made: list[Record] = []
    for at in range(COUNT):
        kind = dice.choice(list(_SAYS))
        begun = 4.0 * at
        made.append(order(f"O{at}", begun, carrier="Fox", channel="EDI"))
        if kind == "pick_short":
            made.append(milestone(f"O{at}", "pick_released", begun + 0.5))
        if kind == "carrier_delay":
            made.append(milestone(f"O{at}", "shipment_dispatched", begun + 0.5))
        said = dice.choice(_SAYS[kind]).format(dice.randrange(100, 999))
        raised = event(f"E{at}", begun + 1, f"O{at}", dice.choice(_SOURCES), said)
        made.append(raised)
        made.append(closing(raised, begun + 25, kind))
    return made


def event(
    name: str, hours: float, order_id: str | None, source: str, text: str | None
) -> ExceptionEvent:
    """Return an exception that was raised."""
    return ExceptionEvent(
        exception_id=name, phase=ExceptionPhase.RAISED, event_time=moment(hours),
        record_time=moment(hours), order_id=order_id, source=source, code="X1", text=text,
    )  # fmt: skip


def closing(raised: ExceptionEvent, hours: float, said: str) -> ExceptionEvent:
    """Return the record that closes an exception, with what somebody says it was."""
    return raised.model_copy(
        update={
            "phase": ExceptionPhase.RESOLVED, "event_time": moment(hours),
            "record_time": moment(hours), "text": None, "disposition": said,
        }
    )  # fmt: skip


def recipe() -> ExceptionRecipe:
    """Return the recipe with few trees and short weeks."""
    plain = load_recipe()[0].model_dump()
    plain["labels"]["least_rows"] = 100
    plain["trees"]["rounds"] = 12
    plain["calibration"]["days"] = plain["evaluation"]["days"] = 25
    return ExceptionRecipe.model_validate(plain)


@cache
def history() -> History:
    """Return the log with these records."""
    return history_of(records())


@cache
def context() -> LogContext:
    """Return the log, arranged."""
    return LogContext(history(), "America/Chicago")


@cache
def rows() -> ExceptionRows:
    """Return its exceptions."""
    return exception_rows(history(), context())


@cache
def fitted() -> Fit:
    """Return a model of all of them."""
    until = START + round((END + 48) * MICROS_PER_HOUR)
    return fit_exceptions(rows(), until, recipe(), "name = 'test'", "America/Chicago")


@cache
def desk() -> ExceptionDesk:
    """Return a desk that classifies by it."""
    return ExceptionDesk(fitted().model, "4", history(), fakes.POLICY, load_playbooks())
