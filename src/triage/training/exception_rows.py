"""Exceptions as rows to learn from: message, facts beside it, and what people said it was.

People say it in two places: in the record that closes an exception, and by correcting its class
on the page of exceptions. The newest word that was known at a moment is the label at that moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from triage.domain.clock import NEVER, to_micros
from triage.domain.records import ExceptionEvent, ExceptionPhase
from triage.history.objects import exceptions_of
from triage.history.tables import History
from triage.ledger.corrections import Correction, standing
from triage.models.exceptions_context import Facts, LogContext
from triage.models.exceptions_text import folded

Ints = npt.NDArray[np.int64]
Verdict = tuple[int, str | None]


@dataclass(frozen=True, slots=True)
class ExceptionRows:
    """n exceptions in the sequence in which they became known.

    Attributes:
        events: the records that raised them.
        facts: what was known beside each at its moment.
        texts: folded messages.
        moment: (n,) record time, UTC micros.
        labels: the last that people said each was; None where nobody has.
        labelled: (n,) when that became known, NEVER where it has not.
        verdicts: of each, all that people said: when it became known (UTC micros) and the class,
            None where they took it back; oldest first.
    """

    events: tuple[ExceptionEvent, ...]
    facts: tuple[Facts, ...]
    texts: tuple[str, ...]
    moment: Ints
    labels: tuple[str | None, ...]
    labelled: Ints
    verdicts: tuple[tuple[Verdict, ...], ...] = ()

    def __len__(self) -> int:
        return len(self.events)

    def known_before(self, moment: int) -> Ints:
        """Return the rows whose label was known before a moment (UTC micros)."""
        return np.flatnonzero((self.labelled < moment) & (self.labelled != NEVER))

    def as_known(self, moment: int) -> ExceptionRows:
        """Return the rows with the labels that were known before a moment (UTC micros).

        What nobody had said anything of by then keeps the label by which it can be judged later,
        and teaches nothing.
        """
        labels, labelled = list(self.labels), self.labelled.copy()
        for at, told in enumerate(self.verdicts):
            known = [verdict for verdict in told if verdict[0] < moment]
            if len(known) < len(told):
                labelled[at], labels[at] = known[-1] if known else (NEVER, self.labels[at])
                labelled[at] = NEVER if labels[at] is None else labelled[at]
        return replace(self, labels=tuple(labels), labelled=labelled)


def exception_rows(
    history: History, context: LogContext, truth: Mapping[str, str] | None = None,
    corrected: Iterable[Correction] = (),
) -> ExceptionRows:  # fmt: skip
    """Return every exception of a log with the newest label that people gave it.

    Args:
        history: the log.
        context: the same, arranged for look-ups.
        corrected: what people said beside the log, in the sequence in which they said it; each
            counts as known from the moment that it was made (`as_of`).
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
    by_id: dict[str, list[Correction]] = {}
    for each in corrected:
        by_id.setdefault(each.exception_id, []).append(each)
    labels, labelled, verdicts = [], [], []
    for event in events:
        name = event.exception_id
        told = _verdicts(said.get(name), by_id.get(name, []))
        moment, word = told[-1] if told else (NEVER, None)
        labels.append(word or (truth or {}).get(name))
        labelled.append(moment if word else NEVER)
        verdicts.append(told)
    return ExceptionRows(
        events, tuple(context.of(event) for event in events),
        tuple(folded(event.text or "") for event in events),
        np.array([to_micros(event.record_time) for event in events], dtype=np.int64),
        tuple(labels), np.array(labelled, dtype=np.int64), tuple(verdicts),
    )  # fmt: skip


def _verdicts(
    closed: tuple[str, int] | None, corrected: Sequence[Correction]
) -> tuple[Verdict, ...]:
    """Return what was said of one exception after each time that somebody said something."""
    moments = {each.as_of for each in corrected} | ({closed[1]} if closed else set())
    told: list[Verdict] = []
    for moment in sorted(moments):
        held = standing(each for each in corrected if each.as_of <= moment)
        by_log = closed if closed and closed[1] <= moment else None
        if held is None or (by_log is not None and by_log[1] > held.as_of):
            told.append((moment, by_log[0] if by_log else None))
        else:
            told.append((moment, held.code))
    return tuple(told)
