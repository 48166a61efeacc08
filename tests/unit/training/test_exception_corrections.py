from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from tests import exception_cases as cases

from triage.domain.clock import MICROS_PER_HOUR, to_micros
from triage.ledger.corrections import Correction, corrections, standing
from triage.ledger.ledger import Ledger
from triage.training.exception_rows import ExceptionRows, exception_rows
from triage.training.exception_train import recorded_corrections

CLOSED = int(cases.rows().labelled[9])
BY_LOG = cases.rows().labels[9]
OTHER = next(c for c in ("credit_hold", "pick_short") if c != BY_LOG)
HOUR = MICROS_PER_HOUR


def corrected(as_of: int, code: str = OTHER) -> Correction:
    return Correction("E9", as_of, code, by="Ana", id=f"c{as_of}")


def rows(*told: Correction) -> ExceptionRows:
    return exception_rows(cases.history(), cases.context(), corrected=told)


def label(found: ExceptionRows, moment: int) -> str | None:
    known = found.as_known(moment)
    return known.labels[9] if 9 in known.known_before(moment) else None


def test_a_correction_changes_the_label_from_the_moment_it_was_made_and_not_before() -> None:
    made = CLOSED + 5 * HOUR
    found = rows(corrected(made))
    assert label(found, CLOSED) is None
    assert label(found, CLOSED + 1) == BY_LOG
    assert label(found, made) == BY_LOG
    assert label(found, made + 1) == OTHER


def test_an_open_exception_has_a_label_as_soon_as_a_person_said_what_it_is() -> None:
    made = CLOSED - 5 * HOUR
    found = rows(corrected(made))
    assert label(found, made) is None
    assert label(found, made + 1) == OTHER
    assert label(found, CLOSED + 1) == BY_LOG  # who closed it said so later


def test_what_is_taken_back_counts_until_then() -> None:
    made, back = CLOSED + HOUR, CLOSED + 2 * HOUR
    undone = Correction("E9", back, by="Ana", entry=f"c{made}", id="u")
    found = rows(corrected(made), undone)
    assert label(found, back) == OTHER
    assert label(found, back + 1) == BY_LOG


def test_taking_back_the_only_word_leaves_no_label() -> None:
    made = CLOSED - 5 * HOUR
    undone = Correction("E9", made + HOUR, by="Ana", entry=f"c{made}", id="u")
    found = rows(corrected(made), undone)
    assert label(found, made + 1) == OTHER
    assert label(found, made + HOUR + 1) is None


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(-60, 60), max_size=5, unique=True), st.integers(-70, 70))
def test_what_is_said_later_changes_nothing_before(hours: list[int], at: int) -> None:
    told = [corrected(CLOSED + h * HOUR) for h in sorted(hours)]
    moment = CLOSED + at * HOUR
    before = [each for each in told if each.as_of < moment]
    ours, theirs = rows(*told).as_known(moment), rows(*before).as_known(moment)
    np.testing.assert_array_equal(ours.known_before(moment), theirs.known_before(moment))
    assert [ours.labels[i] for i in ours.known_before(moment)] == [
        theirs.labels[i] for i in theirs.known_before(moment)
    ]


def test_without_corrections_the_rows_are_what_they_were() -> None:
    plain, moment = cases.rows(), CLOSED + 1000 * HOUR
    known = plain.as_known(moment)
    assert [known.labels[i] for i in known.known_before(moment)] == [
        plain.labels[i] for i in plain.known_before(moment)
    ]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger.open(tmp_path)
    yield opened
    opened.close()


def test_corrections_are_read_back_from_the_ledger_as_they_were_made(
    ledger: Ledger, tmp_path: Path
) -> None:
    assert recorded_corrections(tmp_path / "elsewhere") == []
    said = Correction(
        "E9", CLOSED, OTHER, said="pick_short", model="d1", order_id="O9", by="Ana", batch="b"
    )
    (entry,) = ledger.record(said.draft())
    (found,) = recorded_corrections(tmp_path)
    assert found == replace(said, id=entry.id, at=entry.at)
    ledger.record(Correction("E9", CLOSED, by="Ana", entry=found.id).draft())
    assert standing(recorded_corrections(tmp_path)) is None


def test_an_erased_name_leaves_the_correction(ledger: Ledger) -> None:
    (entry,) = ledger.record(Correction("E9", CLOSED, OTHER, by="Ana").draft())
    ledger.erase(entry.seq, reason="asked for")
    (found,) = corrections(ledger.entries())
    assert (found.by, found.code) == ("", OTHER)


def test_the_moment_of_the_log_is_that_of_its_closing_record() -> None:
    closing = next(r for r in cases.records() if r.record_id == "E9|resolved")
    assert to_micros(closing.record_time) == CLOSED
