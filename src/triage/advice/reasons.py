"""Reasons in words: exact effects, merged by concept, that add up to the probability.

Everything is counted in millionths of probability (ten-thousandths of a percentage point), so
sums are sums of whole numbers: typical + reasons + other is p(late) exactly, not nearly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from triage.advice.assessment import Reason
from triage.advice.wording import STAGES, Figure, Sentence, say
from triage.features.compile import FeatureSet, Floats, Slot
from triage.models.at_risk import Prediction, Stage
from triage.models.delay_parts import DelayParts

_MILLION = 1_000_000
_PROMISE = "promise_days"
_WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Explained:
    """Probability, typical probability and reasons, consistent to the last digit shown."""

    p_late: float
    typical: float
    reasons: tuple[Reason, ...]
    other_pp: float


@dataclass(frozen=True, slots=True)
class _Input:
    """How one input is told; everything in it but the order's own value is phrased beforehand."""

    name: str
    concept: str
    unit: str
    typical: float | None
    owner: str
    actionable: bool
    around_value: tuple[str, ...]
    pattern: str
    usual: Figure
    without_value: str

    @classmethod
    def of(cls, slot: Slot, typical: float | None, owners: Mapping[str, str]) -> Self:
        """Phrase what an order cannot change."""
        unit, meaning = slot.feature.unit, slot.meaning
        phrase = slot.phrase.replace("{typical}", say(typical, unit))
        return cls(
            slot.name, slot.concept, unit, typical, owners.get(slot.concept, slot.family),
            slot.feature.actionable, tuple(phrase.split("{value}")),
            slot.phrase.replace("{value}", "{0}").replace("{typical}", "{1}"), (typical, unit),
            f"Not known, or no history yet: {meaning[0].lower()}{meaning[1:]}",
        )  # fmt: skip

    def reason(self, value: float, effect: int) -> Reason:
        """Return the reason that this input leads, with its effect in millionths."""
        known = None if math.isnan(value) else value
        if known is None:
            text, said = self.without_value, None
        else:
            text = say(known, self.unit).join(self.around_value)
            said = Sentence(self.pattern, ((known, self.unit), self.usual))
        return Reason(
            self.concept, text, self.name, known, self.typical, self.unit, effect / 10_000,
            self.owner, self.actionable, said,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class DelayDays:
    """What the middle of an order's delivery is made of, in days against its promise.

    Attributes:
        typical: of a typical order at this stage.
        by_concept: what each concept adds, whether it is among the reasons or not; `waiting` too.
    """

    typical: float
    by_concept: Mapping[str, float]


class Explainer:
    """Puts one stage's predictions into words; what does not depend on the order is done once."""

    def __init__(self, stage: Stage, features: FeatureSet) -> None:
        self._stage = stage
        names = stage.numbers.inputs
        slots = {slot.name: slot for slot in features.slots}
        owners = {name: said.owner for name, said in features.declarations.concepts.items()}
        self._inputs = tuple(
            _Input.of(slots[name], typical, owners)
            for name, typical in zip(names, stage.numbers.typical, strict=True)
        )
        concepts = self._concepts = tuple(dict.fromkeys(each.concept for each in self._inputs))
        self._concept_of = np.array([concepts.index(each.concept) for each in self._inputs])
        self._members = [
            np.flatnonzero(self._concept_of == at).tolist() for at in range(len(concepts))
        ]
        self._promise = names.index(_PROMISE) if _PROMISE in names else None

    def explain(
        self,
        prediction: Prediction,
        x: Floats,
        promise_days: float,
        waited_days: float,
        top: int,
        *,
        scheduled: bool = False,
    ) -> Explained:
        """Return the largest `top` reasons; the rest is summed as other.

        Args:
            prediction: what the model said.
            x: the row it said it of.
            promise_days: days from the stage to promise + tolerance.
            waited_days: days since the stage.
            top: number of reasons in words.
            scheduled: whether work could begin only after the stage; the days count from then.
        """
        p_late = round(prediction.p_late * _MILLION)
        typical = round(prediction.typical * _MILLION)
        effects = prediction.effects.copy()
        if self._promise is not None:
            effects[self._promise] += prediction.promise_effect
        n = len(self._members)
        totals: list[float] = np.bincount(self._concept_of, effects, n).tolist()
        if waited_days > 0:
            totals.append(prediction.waiting_effect)
        sizes = [-abs(total) for total in totals]
        each = effects.tolist()
        reasons = []
        left = p_late - typical
        for concept in sorted(range(len(totals)), key=sizes.__getitem__)[:top]:
            effect = round(totals[concept] * _MILLION)
            if effect == 0:
                continue
            left -= effect
            if concept == n:
                reasons.append(self._waiting(effect, promise_days, waited_days, scheduled))
                continue
            strongest = max if effect > 0 else min
            lead = strongest(self._members[concept], key=each.__getitem__)
            reasons.append(self._inputs[lead].reason(x.item(lead), effect))
        return Explained(p_late / _MILLION, typical / _MILLION, tuple(reasons), left / 10_000)

    def days(self, parts: DelayParts) -> DelayDays:
        """Return the parts of the middle of delivery, merged by concept as reasons are."""
        effects = parts.effects.copy()
        if self._promise is not None:
            effects[self._promise] += parts.promise
        totals = np.bincount(self._concept_of, effects, len(self._members)).tolist()
        merged = dict(zip(self._concepts, totals, strict=True))
        return DelayDays(parts.typical, merged | {_WAITING: parts.waiting})

    def _waiting(
        self, effect: int, promise_days: float, waited_days: float, scheduled: bool
    ) -> Reason:
        passed = waited_days >= promise_days
        if passed:
            pattern = "The promise passed {0} ago"
        elif scheduled:
            pattern = "Work could begin {0} ago and it is not delivered yet"
        else:
            stage = STAGES.get(self._stage.name, self._stage.name)
            pattern = f"It was {stage} {{0}} ago and is not delivered yet"
        lasts = waited_days - promise_days if passed else waited_days
        said = Sentence(pattern, ((lasts, "days"),))
        owner = (
            "Transport planning" if self._stage.name == "shipment_dispatched" else "Shipping site"
        )
        return Reason(
            _WAITING, said.told(), "waited_days", waited_days, None, "days", effect / 10_000, owner,
            actionable=True, said=said,
        )  # fmt: skip
