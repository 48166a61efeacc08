"""What a check for drift found, and its verdict in words."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from triage.models.drift_settings import DriftSettings, InputSettings, OutcomeSettings

_NAMED = 3


@dataclass(frozen=True, slots=True)
class InputDrift:
    """One input at one landmark: last days against training.

    Attributes:
        landmark: the stage.
        feature: its name.
        meaning: its meaning in words, from the declarations.
        n: rows of the last days.
        psi: population stability index.
        by_chance: the PSI that chance alone gives on as many rows.
        usual: the PSI that windows as long reached within training.
        ks: Kolmogorov-Smirnov statistic of the known values.
        share: share of the model's mean |contribution|.
    """

    landmark: str
    feature: str
    meaning: str
    n: int
    psi: float
    by_chance: float
    usual: float
    ks: float
    share: float

    def shifted(self, settings: InputSettings) -> bool:
        """Return whether it moved further than chance and the usual change explain."""
        return self.psi > settings.psi + self.by_chance and self.psi > self.usual


@dataclass(frozen=True, slots=True)
class OutcomeChange:
    """A change that ADWIN found: of what, since when (ISO), means before and after, for worse."""

    measure: str
    since: str
    before: float
    after: float
    worse: bool


@dataclass(frozen=True, slots=True)
class OutcomeDrift:
    """Orders of one landmark whose promise has passed since training.

    Attributes:
        landmark: the stage.
        n: orders.
        late: how many were late.
        expected: how many the champion expected (sum of p).
        ratio: observed over expected; NaN without orders.
        error: standard error of the ratio if p is right.
        changes: what ADWIN found on the stream of outcomes.
    """

    landmark: str
    n: int
    late: int
    expected: float
    ratio: float
    error: float
    changes: tuple[OutcomeChange, ...]

    def off(self, settings: OutcomeSettings) -> bool:
        """Return whether lateness is off by more than is allowed and more than chance explains."""
        low, high = settings.observed_to_expected
        by_chance = abs(self.ratio - 1) <= settings.standard_errors * self.error
        return self.n >= settings.least_rows and not by_chance and not low <= self.ratio <= high


@dataclass(frozen=True, slots=True)
class DriftReport:
    """Everything that was found, and the thresholds by which it is judged."""

    digest: str
    trained_as_of: str
    as_of: str
    inputs: tuple[InputDrift, ...]
    outcomes: tuple[OutcomeDrift, ...]
    settings: DriftSettings

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return why retraining is advised, one sentence each; none if it is not."""
        landmarks = dict.fromkeys(each.landmark for each in self.inputs)
        found = [self._inputs_of(landmark) for landmark in landmarks]
        found += [self._outcomes_of(each) for each in self.outcomes]
        return tuple(sentence for sentence in found if sentence)

    @property
    def advised(self) -> bool:
        """Return whether retraining is advised."""
        return bool(self.reasons)

    def verdict(self) -> str:
        """Return the verdict in words."""
        if self.reasons:
            return "Retrain advised because " + "; ".join(self.reasons) + "."
        judged = [o for o in self.outcomes if o.n >= self.settings.outcomes.least_rows]
        if judged:
            said = ", ".join(f"{o.ratio:.2f} at {_stage(o.landmark)}" for o in judged)
            outcomes = f"late orders observed to expected: {said}"
        else:
            outcomes = "too few promises have passed since training to judge outcomes"
        moved = sum(each.shifted(self.settings.inputs) for each in self.inputs)
        inputs = "no input moved more than is usual"
        if moved:
            inputs = f"{moved} of {len(self.inputs)} inputs moved, which matter little to the model"
        if not self.inputs:
            inputs = "the last days or the training hold no rows, so inputs were not judged"
        return f"No retraining advised: {inputs}; {outcomes}."

    def lines(self) -> list[str]:
        """Return the verdict for people: one line a reason, then what was looked at."""
        if self.reasons:
            head = ["Retrain advised because:", *(f"- {reason}" for reason in self.reasons)]
        else:
            head = [self.verdict()]
        looked = f"champion {self.digest[:12]}, trained on what was known until"
        return [*head, f"{looked} {self.trained_as_of[:10]}; log until {self.as_of[:10]}"]

    def strongest(self, count: int) -> list[InputDrift]:
        """Return the inputs that moved most, shifted ones first."""
        settings = self.settings.inputs
        return sorted(self.inputs, key=lambda i: (not i.shifted(settings), -i.psi))[:count]

    def plain(self) -> dict[str, Any]:
        """Return everything as plain values that JSON knows (NaN as None)."""
        found = {
            "verdict": self.verdict(),
            "retrain_advised": self.advised,
            "reasons": list(self.reasons),
            "digest": self.digest,
            "trained_as_of": self.trained_as_of,
            "as_of": self.as_of,
            "inputs": [
                asdict(each) | {"shifted": each.shifted(self.settings.inputs)}
                for each in self.inputs
            ],
            "outcomes": [asdict(each) for each in self.outcomes],
            "thresholds": self.settings.model_dump(mode="json"),
        }
        cleaned: dict[str, Any] = _without_nan(found)
        return cleaned

    def _inputs_of(self, landmark: str) -> str:
        settings = self.settings.inputs
        own = [each for each in self.inputs if each.landmark == landmark]
        shifted = sorted((i for i in own if i.shifted(settings)), key=lambda i: -i.share)
        share = sum(each.share for each in shifted)
        if not shifted or share < settings.share_of_model or own[0].n < settings.least_rows:
            return ""
        named = "; ".join(
            f"{_small(each.meaning)} (PSI {each.psi:.2f}, usually up to {each.usual:.2f})"
            for each in shifted[:_NAMED]
        )
        more = f" and {len(shifted) - _NAMED} more" if len(shifted) > _NAMED else ""
        return (
            f"at {_stage(landmark)}, inputs that carry {share:.0%} of the model's effect differ"
            f" from training in the last {settings.days:g} days: {named}{more}"
        )

    def _outcomes_of(self, outcome: OutcomeDrift) -> str:
        settings = self.settings.outcomes
        said = []
        if outcome.off(settings):
            said.append(
                f"{outcome.late:,} of {outcome.n:,} orders were late where {outcome.expected:,.0f}"
                f" were expected ({outcome.ratio:.2f} times)"
            )
        if outcome.n >= settings.least_rows:
            said += [
                f"{change.measure} has gone from {change.before:.3f} to {change.after:.3f} since"
                f" {change.since[:10]}"
                for change in outcome.changes
                if change.worse
            ]
        return f"at {_stage(outcome.landmark)}, {' and '.join(said)}" if said else ""


def _stage(landmark: str) -> str:
    return landmark.replace("_", " ")


def _small(text: str) -> str:
    """Return a phrase as it stands within a sentence."""
    return text[0].lower() + text[1:] if text[1:2].islower() else text


def _without_nan(value: Any) -> Any:  # noqa: ANN401  any plain value
    if isinstance(value, dict):
        return {key: _without_nan(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value
