"""Every kind of exception has a playbook that says what to look for, what to do, whom to call."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from triage import workspace
from triage.advice.playbooks import FOLDER, load_playbooks, parse, severity_of
from triage.errors import DeclarationError
from triage.simulation.exceptions import KINDS

BOOKS = load_playbooks()
TEXT = workspace.read_text(f"{FOLDER}/pick_short.md")


def test_every_kind_that_the_sample_knows_has_one() -> None:
    assert set(BOOKS) == set(KINDS)


@pytest.mark.parametrize("name", sorted(BOOKS))
def test_it_has_steps_an_owner_and_a_time_that_fits_its_severity(name: str) -> None:
    book = BOOKS[name]
    assert 3 <= len(book.steps) <= 6
    assert book.signs
    assert book.false_alarms
    assert 0 < book.sla_hours <= {"high": 8, "medium": 12, "low": 48}[book.severity]
    for line in (*book.signs, *book.steps, *book.false_alarms, book.escalation):
        assert line.endswith("."), line
        assert line[0].isupper() or line.startswith("ERP"), line
        assert "_" not in line, line


@pytest.mark.parametrize("name", sorted(BOOKS))
def test_what_is_not_the_most_severe_anyway_says_for_whom_and_from_what_value_it_is_more_so(
    name: str,
) -> None:
    book = BOOKS[name]
    rises = book.raised_from is not None or bool(book.raised_for)
    assert rises == (book.severity != "high")


@pytest.mark.parametrize(
    ("value", "tier", "severity", "because"),
    [
        (2499.99, "Standard", "low", 0),
        (2500.0, "Standard", "medium", 1),
        (10.0, "Key", "medium", 1),
        (9000.0, "Key", "medium", 2),
        (math.nan, None, "low", 0),
    ],
)
def test_an_order_of_much_value_or_of_a_key_customer_is_one_step_more_severe(
    value: float, tier: str | None, severity: str, because: int
) -> None:
    book = replace(
        BOOKS["invoice_mismatch"], severity="low", raised_from=2500.0, raised_for=("Key",)
    )
    found, why = severity_of(book, value, tier)
    assert (found, len(why)) == (severity, because)


def test_nothing_is_more_severe_than_high() -> None:
    book = replace(BOOKS["pick_short"], severity="high", raised_for=("Key",))
    assert severity_of(book, 1e6, "Key") == ("high", ())


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("## Escalation", "## Whom to call", "Escalation"),
        ('severity = "high"', 'severity = "huge"', "severity"),
        ("sla_hours = 2", "sla_hours = 0", "sla_hours"),
        ("+++\n", "", r"between \+\+\+"),
    ],
)
def test_one_that_lacks_something_is_refused_with_its_file(old: str, new: str, fault: str) -> None:
    with pytest.raises(DeclarationError, match=f"pick_short.md.*{fault}"):
        parse("pick_short", TEXT.replace(old, new))
