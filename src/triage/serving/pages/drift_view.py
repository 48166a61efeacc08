"""What the last look for drift found, as the models page tells it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from triage.domain.clock import to_micros
from triage.serving import formats, texts, wording

_NOTHING = "\u2014"


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: inputs that moved, their share of the effect; orders, late, expected, ratio."""

    stage: str
    figures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Drift:
    """What was found.

    Attributes:
        says: the verdict and when it was looked for.
        advises: whether training again is advised of the model that answers now.
        stages: what was found at each.
        changes: figures that changed for the worse, a sentence each.
    """

    says: str
    advises: bool
    stages: tuple[Stage, ...]
    changes: tuple[str, ...]


def drift(found: dict[str, Any], digest: str, zone: str) -> Drift:
    """Return what a look for drift found, in words.

    Args:
        found: as `training.drift_report` keeps it.
        digest: of the model that answers now.
        zone: IANA name of the zone in which times are shown.
    """
    advised, of_it = bool(found.get("retrain_advised")), found.get("digest") == digest
    verdict = texts.models.DRIFT_RETRAIN if advised else texts.models.DRIFT_STAYS
    when = wording.stamp(to_micros(datetime.fromisoformat(found["looked_at"])), zone)
    inputs, outcomes = found.get("inputs", ()), found.get("outcomes", ())
    landmarks = dict.fromkeys(each["landmark"] for each in (*inputs, *outcomes))
    return Drift(
        texts.models.drift(verdict, when, of_this=of_it), advised and of_it,
        tuple(_stage(name, inputs, outcomes) for name in landmarks),
        tuple(
            _gone(each["landmark"], change)
            for each in outcomes
            for change in each["changes"]
            if change["worse"]
        ),
    )  # fmt: skip


def _stage(
    name: str, inputs: Sequence[dict[str, Any]], outcomes: Sequence[dict[str, Any]]
) -> Stage:
    own = [each for each in inputs if each["landmark"] == name]
    moved = [each for each in own if each["shifted"]]
    share = sum(each["share"] for each in moved)
    told = [texts.models.moved(len(moved), len(own)), wording.percent(share)]
    outcome = next((each for each in outcomes if each["landmark"] == name), None)
    if outcome is None:
        told += [_NOTHING] * 4
    else:
        ratio = outcome["ratio"]
        told += [
            formats.number(outcome["n"]), formats.number(outcome["late"]),
            formats.number(outcome["expected"]),
            _NOTHING if ratio is None else formats.number(ratio, 2),
        ]  # fmt: skip
    return Stage(wording.stage(name), tuple(told))


def _gone(landmark: str, change: dict[str, Any]) -> str:
    measure = texts.models.MEASURES.get(change["measure"], change["measure"])
    since = formats.whole_date(datetime.fromisoformat(change["since"]))
    before, after = (formats.number(change[side], 3) for side in ("before", "after"))
    return texts.models.gone(wording.stage(landmark), measure, before, after, since)
