"""What to do about a kind of exception: `serving/playbooks/<class>.md`, for people."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from triage import workspace
from triage.errors import DeclarationError

FOLDER = "serving/playbooks"
SECTIONS = ("Signs", "Steps", "False alarms", "Escalation")
Severity = Literal["low", "medium", "high"]
_FENCE = "+++"


class _Front(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    owner: Annotated[str, Field(min_length=1)]
    severity: Severity
    sla_hours: Annotated[float, Field(gt=0)]


@dataclass(frozen=True, slots=True)
class Playbook:
    """One playbook.

    Attributes:
        name: the class of exception that it is for.
        title: the class in words.
        owner: the team that deals with it.
        severity: low, medium or high.
        sla_hours: hours from when it was raised until somebody has dealt with it.
        signs, steps, false_alarms: what to look for, what to do in turn, what it may be instead.
        escalation: whom to call, and when.
        text: the whole in Markdown, without the front matter.
    """

    name: str
    title: str
    owner: str
    severity: Severity
    sla_hours: float
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
    try:
        front = _Front.model_validate(workspace.parse_toml(parts[1], where))
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        at = ".".join(str(part) for part in detail["loc"])
        raise DeclarationError(f"{where}: {at}: {detail['msg']}") from error
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
        signs, steps, false_alarms, found["Escalation"], parts[2],
    )  # fmt: skip


def _items(body: str) -> tuple[str, ...]:
    """Return the entries of a list, without what stands before each."""
    return tuple(re.sub(r"^(-|\d+\.) ", "", line) for line in body.splitlines() if line.strip())
