"""What the home folder holds of a model, in words: its gates, its promotions, its drift."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from triage.domain.clock import to_micros
from triage.errors import BundleError
from triage.models import at_risk, exceptions, prices
from triage.models.champion import card_file, find_champion
from triage.models.drift_file import last_drift
from triage.models.promotions import promotions
from triage.serving import formats, texts, wording
from triage.serving.pages.drift_view import Drift, drift

NAMES: Final = (at_risk.NAME, exceptions.NAME, prices.NAME)


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate of a champion, in words.

    Attributes:
        name: what is measured.
        stage: at which stage; empty for the whole.
        found: the figure.
        required: what it was held against.
        passed: whether the model may pass.
        words: what was recorded of a gate that did not pass, as it was written then.
    """

    name: str
    stage: str
    found: str
    required: str
    passed: bool
    words: str


@dataclass(frozen=True, slots=True)
class Change:
    """One promotion or rollback: of what, when, by whom, why."""

    did: str
    version: str
    digest: str
    when: str
    who: str
    why: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What the home folder holds of one model.

    Attributes:
        name: the model.
        version: of the champion; empty if nothing was promoted.
        digest: of its bundle.
        gates: as judged when it was promoted.
        history: promotions and rollbacks, newest first.
        drift: what the last look for drift found; None if nobody looked.
        card: whether its model card is here.
        problem: why the pointer cannot be read; empty if it can.
    """

    name: str
    version: str = ""
    digest: str = ""
    gates: tuple[Gate, ...] = ()
    history: tuple[Change, ...] = ()
    drift: Drift | None = None
    card: bool = False
    problem: str = ""

    @property
    def failed(self) -> int:
        """Return how many gates had failed."""
        return sum(not gate.passed for gate in self.gates)


def kept(home: Path, name: str, zone: str) -> Kept:
    """Return what a home holds of a model; reads a few small files."""
    try:
        pointer = find_champion(home, name)
        told = promotions(home, name)
    except BundleError as error:
        return Kept(name, problem=str(error))
    if pointer is None:
        return Kept(name)
    found = last_drift(home, name)
    return Kept(
        name, str(pointer.get("version", "")), pointer["digest"],
        tuple(_gate(each) for each in pointer.get("gates", ())),
        tuple(_change(each, zone) for each in reversed(told)),
        None if found is None else drift(found, pointer["digest"], zone),
        card_file(home, name, pointer["digest"]).is_file(),
    )  # fmt: skip


def _gate(told: dict[str, Any]) -> Gate:
    name, where = str(told.get("name", "")), told.get("landmark")
    passed, measured = bool(told.get("passed")), told.get("measured")
    required, bound = told.get("required"), texts.models.BOUNDS.get(str(told.get("bound")), "")
    blank = texts.models.NOT_JUDGED if required is not None else "\u2014"
    return Gate(
        texts.models.GATE_NAMES.get(name, name.replace("_", " ")),
        "" if where is None else wording.stage(str(where)),
        blank if measured is None else _figure(measured),
        "" if required is None else texts.models.required(bound, _figure(required)),
        passed, "" if passed else str(told.get("words", "")),
    )  # fmt: skip


def _figure(value: float) -> str:
    """Return a figure of a gate: whole ones as they are, others with three decimals."""
    return formats.number(value, 0 if value == round(value) else 3)


def _change(told: dict[str, Any], zone: str) -> Change:
    at = told.get("promoted_at")
    return Change(
        texts.models.CHANGES.get(str(told.get("action", "promote")), str(told.get("action"))),
        str(told.get("version", "")), str(told["digest"])[:12],
        wording.stamp(to_micros(datetime.fromisoformat(at)), zone) if at else "",
        str(told.get("who", "")), str(told.get("why", "")),
    )  # fmt: skip
