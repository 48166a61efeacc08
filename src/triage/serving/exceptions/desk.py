"""Exceptions as the service classifies them: stored ones, and those that are sent whole."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache, partial
from typing import Any

import numpy as np
import pandas as pd

from triage.advice import policy as policies
from triage.advice.exception_reasons import ExceptionReason, exception_reasons
from triage.advice.playbooks import Playbook, load_playbooks, severity_of
from triage.advice.policy import Policy
from triage.advice.wording import Figures
from triage.domain.clock import MICROS_PER_MINUTE, from_micros, to_micros
from triage.domain.records import ExceptionEvent, ExceptionPhase, Milestone, Order
from triage.errors import BundleError, ExceptionNotFoundError
from triage.history.tables import History
from triage.models.champion import bundle_folder, find_champion
from triage.models.exceptions import NAME, Classified, ExceptionModel
from triage.models.exceptions_context import Facts, LogContext
from triage.models.exceptions_facts import NUMBERS
from triage.settings import Settings

_KEPT = 20_000
_MOMENTS = 4
_LOG = logging.getLogger("triage.serving")


@dataclass(frozen=True, slots=True)
class Case:
    """A classified exception with its reasons."""

    event: ExceptionEvent
    facts: Facts
    answer: Classified
    reasons: tuple[ExceptionReason, ...]
    other: float


@dataclass(frozen=True, slots=True)
class Directions:
    """Who deals with an exception of a class, how soon, and how.

    Attributes:
        owner: the team; None without a playbook, as with all that follows.
        severity: low, medium or high.
        severity_why: why it is a step more severe than its kind.
        due_by: until when somebody must have dealt with it, UTC micros.
        book: the playbook.
    """

    owner: str | None
    severity: str | None
    severity_why: tuple[str, ...]
    due_by: int | None
    book: Playbook | None


class ExceptionDesk:
    """Classifies exceptions by the champion.

    Args:
        model: its bundle.
        version: its version in the registry.
        history: the log.
        policy: who stays authoritative, how many reasons are told, how long an answer holds.
        playbooks: by class.
    """

    def __init__(
        self, model: ExceptionModel, version: str, history: History, policy: Policy,
        playbooks: dict[str, Playbook],
    ) -> None:  # fmt: skip
        self.model = model
        self.version = version
        self.policy = policy
        self.playbooks = playbooks
        self._read_until = history.extracted_at + 1
        self._context_in = partial(LogContext, history)
        self._read(model.numbers.time_zone)
        table = history.exceptions
        opens = (table["phase"] == ExceptionPhase.RAISED.value).to_numpy(bool)
        self._raised = table[opens].drop_duplicates("exception_id").reset_index(drop=True)
        self._at = {name: at for at, name in enumerate(self._raised["exception_id"].tolist())}
        self._closed = set(table.loc[~opens, "exception_id"].tolist())
        self.of_id = lru_cache(maxsize=_KEPT)(self._of_id)

    def take_over(self, model: ExceptionModel, version: str) -> None:
        """Let another model classify from now on."""
        if model.numbers.time_zone != self.model.numbers.time_zone:
            self._read(model.numbers.time_zone)
        self.model, self.version = model, version
        self.of_id.cache_clear()

    def _read(self, time_zone: str) -> None:
        """Read what an exception's order and surroundings were, in a time zone."""
        self._context = self._context_in(time_zone)
        self._standing = lru_cache(maxsize=_MOMENTS)(self._context.open_orders.at)

    def _of_id(self, exception_id: str) -> Case:
        """Classify a stored exception as of when it became known.

        Raises:
            ExceptionNotFoundError: if the log holds no such exception.
        """
        return self.of_event(self.event_of(exception_id))

    def event_of(self, exception_id: str) -> ExceptionEvent:
        """Return the record of the log that raised an exception.

        Raises:
            ExceptionNotFoundError: if the log holds no such exception.
        """
        at = self._at.get(exception_id)
        if at is None:
            raise ExceptionNotFoundError(
                "the log holds no exception with this id: send it whole, or import it first"
            )
        return _record(self._raised.iloc[at])

    def of_event(
        self, event: ExceptionEvent, order: Order | None = None,
        milestones: Iterable[Milestone] = (),
    ) -> Case:  # fmt: skip
        """Classify an exception that was sent whole, perhaps with its order; nothing is stored."""
        sent = None if order is None else self._context.sent(order, milestones)
        facts = self._context.of(event, sent)
        answer = self.model.classify(event, facts)
        top = self.policy.reasons.top
        return Case(event, facts, answer, *exception_reasons(self.model, event, facts, answer, top))

    def reasons_in(self, case: Case, figures: Figures) -> tuple[ExceptionReason, ...]:
        """Return the reasons of a case, their figures written in some way."""
        top = self.policy.reasons.top
        return exception_reasons(
            self.model, case.event, case.facts, case.answer, top, figures
        )[0]  # fmt: skip

    def classify_record(
        self, record: ExceptionEvent, order: Order | None = None,
        milestones: Iterable[Milestone] = (), scored_at: int | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Answer a record that raises an exception as `POST /v1/exceptions/classify` answers it.

        Args:
            record: the record, as it comes in; its record_time is the moment of the answer.
            order: its order, if the log that this desk has read does not hold it yet.
            milestones: what happened to `order` so far.
            scored_at: wall clock, UTC micros; the record's own record_time if None, so that the
                same record has the same answer again.

        Raises:
            ValueError: if the record closes an exception: then there is nothing to classify.
        """
        if record.phase is not ExceptionPhase.RAISED:
            raise ValueError(
                f"exception {record.exception_id} is {record.phase.value}: only records that raise"
                " one are classified"
            )
        case = self.of_event(record, order, milestones)
        return self.answer(case, to_micros(record.record_time) if scored_at is None else scored_at)

    def next_for(self, order_id: str, as_of: int | None = None) -> list[tuple[str, float]]:
        """Return what an open order is likely to have next, likeliest first; shares sum to 1.

        `none` stands for no exception in the days ahead (`model.next_rates.days`).

        Args:
            order_id: an order of the log.
            as_of: only what was known before it counts (UTC micros); the whole log if None.

        Returns:
            Code and probability; nothing for an order that the log does not hold, that is over, or
            where the bundle was trained without it.
        """
        rates = self.model.next_rates
        (row,) = self._context.rows_of([order_id]).tolist()
        if rates is None or row < 0:
            return []
        moment = self._read_until if as_of is None else as_of
        rows, where = self._standing(moment)
        at = int(np.searchsorted(rows, row))
        if at == len(rows) or rows[at] != row:
            return []
        return rates.ranked(where[at].tolist())

    @property
    def open_ids(self) -> list[str]:
        """Return the exceptions of the log that nobody has closed, as they became known."""
        return [name for name in self._at if name not in self._closed]

    def is_closed(self, exception_id: str) -> bool:
        """Return whether an exception was closed, in the log or since."""
        return exception_id in self._closed

    def close(self, exception_id: str) -> None:
        """Take note that an exception was closed."""
        self._closed.add(exception_id)

    def title(self, code: str) -> str:
        """Return a class in words."""
        book = self.playbooks.get(code)
        return book.title if book else code.replace("_", " ").capitalize()

    def ranked(self, answer: Classified) -> list[tuple[str, float]]:
        """Return every class with its probability, likeliest first."""
        shares = zip(self.model.numbers.classes, answer.probabilities.tolist(), strict=True)
        return sorted(shares, key=lambda pair: (-pair[1], pair[0]))

    def code_of(self, answer: Classified) -> str:
        """Return the likeliest class."""
        return self.model.numbers.classes[answer.label]

    def directions(self, case: Case, code: str) -> Directions:
        """Return who deals with an exception if it is of a class, how soon, and how."""
        book = self.playbooks.get(code)
        if book is None:
            return Directions(None, None, (), None, None)
        severity, why = _severity(book, case.facts)
        due_by = case.event.event_time + timedelta(hours=book.sla_hours)
        return Directions(book.owner, severity, why, to_micros(due_by), book)

    def answer(self, case: Case, scored_at: int) -> dict[str, Any]:
        """Return the answer about a case (see `schemas.ExceptionAnswer`).

        Args:
            case: the case.
            scored_at: wall clock, UTC micros.
        """
        event, found, numbers = case.event, case.answer, self.model.numbers
        code = self.code_of(found)
        todo = self.directions(case, code)
        book = todo.book
        holds = int(self.policy.freshness.stale_after_minutes * MICROS_PER_MINUTE)
        return {
            "exception_id": event.exception_id,
            "order_id": event.order_id,
            "order_guessed": case.facts.guessed,
            "as_of": event.record_time,
            "scored_at": from_micros(scored_at),
            "stale_at": from_micros(scored_at + holds),
            "advisory": True,
            "authority": self.policy.authority,
            "model": {"name": NAME, "version": self.version, "digest": self.model.digest},
            "policy_version": self.policy.version,
            "code": code,
            "probability": float(found.probabilities[found.label]),
            "classes": [
                {"code": word, "title": self.title(word), "probability": share}
                for word, share in self.ranked(found)
            ],
            "abstained": found.abstained,
            "why": list(found.why),
            "reads_words": found.reads,
            "stated_error": numbers.stated_error,
            "owner": todo.owner,
            "severity": todo.severity,
            "severity_why": list(todo.severity_why),
            "sla_hours": book.sla_hours if book else None,
            "due_by": None if todo.due_by is None else from_micros(todo.due_by),
            "playbook": playbook_out(book) if book else None,
            "reasons": [
                {"kind": x.kind, "text": x.text, "effect": x.effect, "words": list(x.words)}
                for x in case.reasons
            ],
            "other_effect": case.other,
        }


def _severity(book: Playbook, facts: Facts) -> tuple[str, tuple[str, ...]]:
    """Return how severe an exception is by its kind, the value of its order and the tier, and why.

    An order that was guessed makes nothing more severe.
    """
    if facts.guessed is not None:
        return book.severity, ()
    value = round(math.expm1(float(facts.numbers[NUMBERS.index("value")])), 2)
    return severity_of(book, value, facts.categories["tier"])


def playbook_out(book: Playbook) -> dict[str, Any]:
    """Return a playbook as answers carry it."""
    return {
        "name": book.name,
        "title": book.title,
        "signs": list(book.signs),
        "steps": list(book.steps),
        "false_alarms": list(book.false_alarms),
        "escalation": book.escalation,
        "url": f"/playbooks/{book.name}",
    }


def load_exception_model(settings: Settings) -> tuple[ExceptionModel, str] | None:
    """Return the champion and its version; None where none was promoted or it cannot be read.

    A model that cannot be read is told in the log of the service: scores do not wait for it.
    """
    try:
        pointer = find_champion(settings.home, NAME)
        if pointer is None:
            return None
        folder = bundle_folder(settings.home, NAME, pointer["digest"])
        return ExceptionModel.load(folder, pointer["digest"]), str(pointer["version"])
    except BundleError as error:
        _LOG.warning("exceptions are not classified: %s", error)
        return None


def exception_desk(
    loaded: tuple[ExceptionModel, str] | None, settings: Settings, history: History
) -> ExceptionDesk | None:
    """Return the desk of a champion that was loaded; None without one."""
    if loaded is None:
        return None
    return ExceptionDesk(
        *loaded, history, policies.load(settings.workspace), load_playbooks(settings.workspace)
    )


def _record(row: pd.Series[Any]) -> ExceptionEvent:
    texts = {
        name: row[name] if isinstance(row[name], str) else None
        for name in ("order_id", "source", "code", "text")
    }
    return ExceptionEvent.model_construct(
        exception_id=row["exception_id"],
        phase=ExceptionPhase.RAISED,
        event_time=from_micros(row["event_time"]),
        record_time=from_micros(row["record_time"]),
        disposition=None,
        **texts,
    )
