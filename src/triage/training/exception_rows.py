"""Exceptions as rows to learn from: message, facts beside it, and what people said it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from triage.domain.clock import NEVER, to_micros
from triage.domain.records import ExceptionEvent, ExceptionPhase
from triage.history.objects import exceptions_of
from triage.history.tables import History
from triage.models.exceptions_context import Facts, LogContext
from triage.models.exceptions_text import folded

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ExceptionRows:
    """n exceptions in the sequence in which they became known.

    Attributes:
        events: the records that raised them.
        facts: what was known beside each at its moment.
        texts: folded messages.
        moment: (n,) record time, UTC micros.
        labels: what people said each was when they closed it; None where nobody has.
        labelled: (n,) when that became known, NEVER where it has not.
    """

    events: tuple[ExceptionEvent, ...]
    facts: tuple[Facts, ...]
    texts: tuple[str, ...]
    moment: Ints
    labels: tuple[str | None, ...]
    labelled: Ints

    def __len__(self) -> int:
        return len(self.events)

    def known_before(self, moment: int) -> Ints:
        """Return the rows whose label was known before a moment (UTC micros)."""
        return np.flatnonzero((self.labelled < moment) & (self.labelled != NEVER))


def exception_rows(
    history: History, context: LogContext, truth: Mapping[str, str] | None = None
) -> ExceptionRows:
    """Return every exception of a log with the label that its closing record carries.

    Args:
        history: the log.
        context: the same, arranged for look-ups.
        truth: true classes by id, to judge by instead of labels that are not there yet; they count
            as known never, so they teach nothing.
    """
    raised: dict[str, ExceptionEvent] = {}
    said: dict[str, tuple[str, int]] = {}
    for record in exceptions_of(history):
        if record.phase is ExceptionPhase.RAISED:
            raised.setdefault(record.exception_id, record)
        elif record.disposition is not None:
            moment = to_micros(record.record_time)
            said.setdefault(record.exception_id, (record.disposition, moment))
    events = tuple(raised.values())
    labels, labelled = [], []
    for event in events:
        word, moment = said.get(event.exception_id, (None, NEVER))
        labels.append(word or (truth or {}).get(event.exception_id))
        labelled.append(moment)
    return ExceptionRows(
        events, tuple(context.of(event) for event in events),
        tuple(folded(event.text or "") for event in events),
        np.array([to_micros(event.record_time) for event in events], dtype=np.int64),
        tuple(labels), np.array(labelled, dtype=np.int64),
    )  # fmt: skip
