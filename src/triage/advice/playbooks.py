"""What to do about a kind of exception: `serving/playbooks/<class>.md`, for people."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from triage import workspace
from triage.errors import DeclarationError

FOLDER = "serving/playbooks"
SECTIONS = ("Signs", "Steps", "False alarms", "Escalation")
Severity = Literal["low", "medium", "high"]
_STEPS: tuple[Severity, ...] = ("low", "medium", "high")
_FENCE = "+++"


class _Front(workspace.Declared):
    owner: Annotated[str, Field(min_length=1)]
    severity: Severity
    sla_hours: Annotated[float, Field(gt=0)]
    raised_from: Annotated[float, Field(gt=0)] | None = None
    raised_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Playbook:
    """One playbook.

    Attributes:
        name: the class of exception that it is for.
        title: the class in words.
        owner: the team that deals with it.
        severity: low, medium or high.
        sla_hours: hours from when it was raised until somebody has dealt with it.
        raised_from: order value (currency of the log) from which it is a step more severe, if any.
        raised_for: customer tiers for which it is a step more severe.
        signs, steps, false_alarms: what to look for, what to do in turn, what it may be instead.
        escalation: whom to call, and when.
        text: the whole in Markdown, without the front matter.
    """

    name: str
    title: str
    owner: str
    severity: Severity
    sla_hours: float
    raised_from: float | None
    raised_for: tuple[str, ...]
    signs: tuple[str, ...]
    steps: tuple[str, ...]
    false_alarms: tuple[str, ...]
    escalation: str
    text: str


def load_playbooks(configured: Path | None = None) -> dict[str, Playbook]:
    """Return every playbook by the class that it is for.

    Raises:
        DeclarationError: naming the file and what it lacks.
    """
    return {
        name: parse(name, workspace.read_text(f"{FOLDER}/{name}.md", configured))
        for name in workspace.names(FOLDER, ".md", configured)
    }


def parse(name: str, text: str) -> Playbook:
    """Return a playbook from its text: TOML between two lines of `+++`, then Markdown.

    Raises:
        DeclarationError: naming the file and what it lacks.
    """
    where = f"{FOLDER}/{name}.md"
    parts = text.split(f"{_FENCE}\n", 2)
    if len(parts) != 3 or parts[0]:
        raise DeclarationError(f"{where} must begin with owner, severity, sla_hours between +++")
    front = workspace.fitted(_Front, workspace.parse_toml(parts[1], where), where)
    title, *sections = re.split(r"^## ", parts[2], flags=re.MULTILINE)
    found = {}
    for section in sections:
        heading, _, body = section.partition("\n")
        found[heading.strip()] = body.strip()
    if tuple(found) != SECTIONS or not all(found.values()) or not title.startswith("# "):
        raise DeclarationError(f"{where} must have a title and, in turn: {', '.join(SECTIONS)}")
    signs, steps, false_alarms = (_items(found[heading]) for heading in SECTIONS[:3])
    return Playbook(
        name, title.removeprefix("# ").strip(), front.owner, front.severity, front.sla_hours,
        front.raised_from, front.raised_for, signs, steps, false_alarms, found["Escalation"],
        parts[2],
    )  # fmt: skip


def severity_of(book: Playbook, value: float, tier: str | None) -> tuple[Severity, tuple[str, ...]]:
    """Return how severe an exception is, and why it is a step more than its kind.

    Args:
        book: of its kind.
        value: of its order, in the currency of the log; NaN where the order is not known.
        tier: of its customer, if known.
    """
    why = []
    if book.raised_from is not None and value >= book.raised_from:
        why.append(
            f"the order is worth {value:,.0f}, and counts for more from {book.raised_from:,.0f}"
        )
    if tier in book.raised_for:
        why.append(f"the customer's tier is {tier}")
    step = _STEPS.index(book.severity) + bool(why)
    if step == len(_STEPS):
        return book.severity, ()
    return _STEPS[step], tuple(why)


def _items(body: str) -> tuple[str, ...]:
    """Return the entries of a list, without what stands before each."""
    return tuple(re.sub(r"^(-|\d+\.) ", "", line) for line in body.splitlines() if line.strip())
