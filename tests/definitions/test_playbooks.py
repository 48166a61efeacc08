"""Every kind of exception has a playbook that says what to look for, what to do, whom to call."""

from __future__ import annotations

import pytest

from triage import workspace
from triage.advice.playbooks import FOLDER, load_playbooks, parse
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
