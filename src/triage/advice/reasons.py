"""Reasons in words: exact effects, merged by concept, that add up to the probability.

Everything is counted in millionths of probability (ten-thousandths of a percentage point), so
sums are sums of whole numbers: typical + reasons + other is p(late) exactly, not nearly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from triage.advice.assessment import Reason
from triage.advice.wording import STAGES, days, say
from triage.features.compile import FeatureSet, Floats, Slot
from triage.models.at_risk import Prediction, Stage

_MILLION = 1_000_000
_PROMISE = "promise_days"
_WAITING = -1


@dataclass(frozen=True, slots=True)
class Explained:
    """Probability, typical probability and reasons, consistent to the last digit shown."""

    p_late: float
    typical: float
    reasons: tuple[Reason, ...]
    other_pp: float


class Explainer:
    """Puts one stage's predictions into words; what does not depend on the order is done once."""

    def __init__(self, stage: Stage, features: FeatureSet) -> None:
        self._stage = stage
        slots = {slot.name: slot for slot in features.slots}
        self._slots = tuple(slots[name] for name in stage.numbers.inputs)
        concepts = features.declarations.concepts
        self._owners = {name: concept.owner for name, concept in concepts.items()}
        self._concepts = tuple(dict.fromkeys(slot.concept for slot in self._slots))
        self._concept_of = np.array([self._concepts.index(slot.concept) for slot in self._slots])
        self._members = [
            np.flatnonzero(self._concept_of == at) for at in range(len(self._concepts))
        ]
        names = stage.numbers.inputs
        self._promise = names.index(_PROMISE) if _PROMISE in names else None

    def explain(
        self, prediction: Prediction, x: Floats, promise_days: float, waited_days: float, top: int
    ) -> Explained:
        """Return the largest `top` reasons; the rest is summed as other.

        Args:
            prediction: what the model said.
            x: the row it said it of.
            promise_days: days from the stage to promise + tolerance.
            waited_days: days since the stage.
            top: number of reasons in words.
        """
        p_late = round(prediction.p_late * _MILLION)
        typical = round(prediction.typical * _MILLION)
        effects = prediction.effects.copy()
        if self._promise is not None:
            effects[self._promise] += prediction.promise_effect
        sums = np.bincount(self._concept_of, weights=effects, minlength=len(self._concepts))
        totals = dict(enumerate(sums.tolist()))
        if waited_days > 0:
            totals[_WAITING] = prediction.waiting_effect
        chosen = sorted(totals, key=lambda at: -abs(totals[at]))[:top]
        reasons = []
        left = p_late - typical
        for concept in chosen:
            effect = round(totals[concept] * _MILLION)
            if effect == 0:
                continue
            left -= effect
            if concept == _WAITING:
                reasons.append(self._waiting(effect, promise_days, waited_days))
            else:
                reasons.append(self._reason(concept, effect, effects, x))
        return Explained(p_late / _MILLION, typical / _MILLION, tuple(reasons), left / 10_000)

    def _reason(self, concept: int, effect: int, effects: Floats, x: Floats) -> Reason:
        members = self._members[concept]
        own = effects[members]
        lead = int(members[own.argmax() if effect > 0 else own.argmin()])
        slot = self._slots[lead]
        value = None if math.isnan(x[lead]) else float(x[lead])
        typical = self._stage.numbers.typical[lead]
        return Reason(
            slot.concept, _sentence(slot, value, typical), slot.name, value, typical,
            slot.feature.unit, effect / 10_000, self._owners.get(slot.concept, slot.family),
            slot.feature.actionable,
        )  # fmt: skip

    def _waiting(self, effect: int, promise_days: float, waited_days: float) -> Reason:
        if waited_days >= promise_days:
            text = f"The promise passed {days(waited_days - promise_days)} ago"
        else:
            stage = STAGES.get(self._stage.name, self._stage.name)
            text = f"It was {stage} {days(waited_days)} ago and is not delivered yet"
        owner = (
            "Transport planning" if self._stage.name == "shipment_dispatched" else "Shipping site"
        )
        return Reason(
            "waiting", text, "waited_days", waited_days, None, "days", effect / 10_000, owner,
            actionable=True,
        )  # fmt: skip


def _sentence(slot: Slot, value: float | None, typical: float | None) -> str:
    unit = slot.feature.unit
    if value is None:
        return f"Not known, or no history yet: {slot.meaning[0].lower()}{slot.meaning[1:]}"
    return slot.phrase.replace("{value}", say(value, unit)).replace("{typical}", say(typical, unit))
