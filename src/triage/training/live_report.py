"""What live answers came to, and whether it is time to go back to the model before."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from triage.models.drift_settings import LiveSettings
from triage.models.held import ALL, Held, Verdict, judge
from triage.training.live_figures import (
    AtCapacity,
    Estimate,
    Quality,
    at_capacity,
    estimate,
    found_of,
    held,
    qualities,
    reached,
    segments,
    stages,
)
from triage.training.report_figures import Coverage, coverage, landmark_title

COLUMNS = {
    "order_id": "str", "landmark": "str", "as_of": "int64", "late_at": "int64", "late": "int64",
    "model": "float64", "delay_days": "float64", "delay_p10": "float64", "delay_p50": "float64",
    "delay_p90": "float64", "priority": "float64", "minutes": "float64", "acted": "bool",
    "held_out": "bool",
}  # fmt: skip
"""Of answers with an outcome, beside segments; see `live_report`."""
SEGMENTS = ("site", "destination_region", "carrier", "service")
HOLD_OUT, LEFT_ALONE = "the hold-out", "orders that nobody acted on"


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers of one model, one an order and stage.

    Attributes:
        judged: those with an outcome, with `COLUMNS` and segments.
        waiting: those without one yet: `landmark`, `model`.
        cancelled: how many orders were cancelled and are left out.
        others: how many answers of other models are left out.
    """

    judged: pd.DataFrame
    waiting: pd.DataFrame
    cancelled: int = 0
    others: int = 0


@dataclass(frozen=True, slots=True)
class Model:
    """The model whose answers are judged: name, version, digest, and the version before, if any."""

    name: str
    version: str
    digest: str
    previous: str | None


@dataclass(frozen=True, slots=True)
class LiveReport:
    """What live answers came to.

    Attributes:
        model: whose answers.
        days: how far back it looks.
        read_on: which orders calibration is judged by.
        calibration: on these, all stages and each.
        everybody: on all orders, also those that people acted on.
        segments: on the orders that calibration is judged by.
        segment_coverage: by segment, how often these came within what was said of them.
        segment_capacity: by segment, what people find of these who work the list of all.
        quality: on the same, all stages and each.
        estimates: what answers should come to: these, and those without an outcome yet.
        capacity: what people find in a day's session, by which orders; some of the orders get the
            same share of the time.
        counts: how many answers there are, in words and numbers.
        settings: when it rings.
    """

    model: Model
    days: int
    read_on: str
    calibration: tuple[Held, ...]
    everybody: Held
    segments: tuple[Held, ...]
    segment_coverage: dict[str, Coverage]
    segment_capacity: dict[str, AtCapacity]
    quality: tuple[Quality, ...]
    estimates: tuple[Estimate, ...]
    capacity: dict[str, AtCapacity]
    counts: dict[str, int]
    settings: LiveSettings

    @property
    def alarms(self) -> tuple[Held, ...]:
        """Return where answers do not hold."""
        return self._judged.alarms

    @property
    def _judged(self) -> Verdict:
        return Verdict(self.read_on == HOLD_OUT, self.calibration, self.settings)

    def verdict(self) -> str:
        """Return in words whether answers hold, and what follows; begins with "alarm" if not."""
        return f"alarm: {self.words()}" if self.alarms else self.words()

    def words(self) -> str:
        """Return the same without that beginning."""
        overall = self.calibration[0]
        low, high = self.settings.observed_to_expected
        if self.alarms:
            return f"{'; '.join(map(in_words, self.alarms))}. Proposal: {self._proposal()}"
        if self._judged.early:
            return (
                f"too early to tell: {overall.expected:.0f} late orders were expected on"
                f" {overall.days} days ({self.read_on}); from {self.settings.least_expected:g} on"
                f" {self.settings.least_days} days on there is a verdict"
            )
        if low <= overall.ratio <= high:
            return f"answers hold: {in_words(overall)}"
        return f"no alarm, chance may explain it: {in_words(overall)}"

    def _proposal(self) -> str:
        retrain = f"`triage train {self.model.name}` if the world has changed (`triage drift`)"
        if self.model.previous is None:
            return retrain
        back = f'triage rollback --model {self.model.name} --why "live answers do not hold"'
        return f"`{back}` (version {self.model.previous}), or {retrain}"

    def plain(self) -> dict[str, Any]:
        """Return everything as plain data; what is not finite is None."""
        told = asdict(self) | {
            "settings": self.settings.model_dump(),
            "alarms": [each.name for each in self.alarms],
            "verdict": self.verdict(),
        }
        found: dict[str, Any] = _finite(told)
        return found


def in_words(found: Held) -> str:
    """Return late against expected in words."""
    where = "" if found.name == ALL else f" at {landmark_title(found.name)}"
    return (
        f"{found.late:,} of {found.n:,} late{where} where {found.expected:,.0f} were expected"
        f" ({found.ratio:.2f}, {found.low:.2f} to {found.high:.2f})"
    )


def live_report(
    answers: Answers, model: Model, days: int, minutes: float, settings: LiveSettings
) -> LiveReport:
    """Judge live answers.

    Args:
        answers: of that model. Columns of `judged`: as_of and late_at in UTC micros, late is 0 or
            1, model a probability, delays in days against the promise (NaN if not delivered),
            priority per minute and minutes NaN if there was nothing to do, acted and held_out bool.
        model: whose they are.
        days: how far back they go.
        minutes: that people have for the list in one session.
        settings: when it rings.
    """
    judged = answers.judged
    held_out, alone = read_from(judged, HOLD_OUT), read_from(judged, LEFT_ALONE)
    verdict = judge(stages(held_out), stages(alone), settings)
    read_on, chosen = (HOLD_OUT, held_out) if verdict.on_hold_out else (LEFT_ALONE, alone)
    share = len(chosen) / max(len(judged), 1)
    chosen = chosen.assign(reached=reached(chosen, share * minutes))
    parts = dict(segments(chosen, SEGMENTS))
    p = pd.concat([chosen["model"], answers.waiting["model"]])
    return LiveReport(
        model, days, read_on,
        calibration=verdict.calibration,
        everybody=held("all orders", judged, settings.confidence),
        segments=tuple(held(name, part, settings.confidence) for name, part in parts.items()),
        segment_coverage={name: coverage(part) for name, part in parts.items()},
        segment_capacity={name: found_of(part) for name, part in parts.items()},
        quality=qualities(chosen),
        estimates=(
            estimate("with an outcome", chosen["model"]),
            estimate("without one yet", answers.waiting["model"]),
            estimate("together", p),
        ),
        capacity={
            read_on: found_of(chosen),
            "all orders": at_capacity(judged, minutes),
        },
        counts={
            "answers with an outcome": len(judged),
            "of these, on orders that somebody acted on": int(judged["acted"].sum()),
            "of these, held out and left alone": len(held_out),
            "answers without an outcome yet": len(answers.waiting),
            "orders that were cancelled and are left out": answers.cancelled,
            "answers of other models, left out": answers.others,
        },
        settings=settings,
    )  # fmt: skip


def read_from(judged: pd.DataFrame, read_on: str) -> pd.DataFrame:
    """Return the answers that calibration is read from: nobody acted on their orders."""
    alone = judged[~judged["acted"]]
    return alone[alone["held_out"]] if read_on == HOLD_OUT else alone


def _finite(value: object) -> Any:  # noqa: ANN401 - any plain data
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
