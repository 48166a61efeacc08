"""Whether a reason is one: without what it names, the model says less (or, for a relief, more).

    python -m benchmarks.fidelity --home .triage [--orders 300]

For open orders at risk, the inputs of the concept behind each told reason are set to what is
typical at that stage, and the model is asked again. Beside it the same with a concept taken by lot
from those that are not told: a reason that explains moves the probability the way it says, and
further than chance would.
"""

from __future__ import annotations

import argparse
import json
import random
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import numpy as np

from triage.domain.clock import MICROS_PER_DAY
from triage.models.at_risk import predict
from triage.serving.main import load_scorer
from triage.serving.scorer import Scorer
from triage.settings import Settings

_LEAST_PP = 1.0
"""Reasons of less than a point of probability are not judged."""


@dataclass(frozen=True, slots=True)
class Fidelity:
    """What came of taking reasons away.

    Attributes:
        orders: open orders that were looked at.
        reasons: their reasons of a point of probability or more, beside waiting and the promise.
        right_way: share after whose removal the probability moved the way the reason says.
        first_right_way: the same of the first reason of each order.
        moved: median of (move without the reason) / (its stated effect).
        by_lot: median of the size of a move by a concept that is not told, in points.
        told: the same by one that is.
    """

    orders: int
    reasons: int
    right_way: float
    first_right_way: float
    moved: float
    by_lot: float
    told: float


class Asked:
    """A stored order as the model sees it, which can be asked with some inputs made typical."""

    def __init__(self, scorer: Scorer, order_id: str) -> None:
        self.said = scorer.score_id(order_id)
        at = scorer.engine.book.row_of[order_id]
        shown = scorer._shown.of_row(at)
        self._found = scorer._predict(scorer.engine.book.row(at), self.said.as_of, shown)
        stage = self._found.stage
        day = self.said.as_of // MICROS_PER_DAY * MICROS_PER_DAY
        self._curves = scorer._curve(stage.name, day)
        self._moves = stage.numbers.spread.moves(shown.parted())
        slots = {slot.name: slot for slot in scorer.model.features.slots}
        self.concepts = [slots[name].concept for name in stage.numbers.inputs]
        self._typical = np.array(
            [np.nan if each is None else each for each in stage.numbers.typical]
        )

    def without(self, concept: str) -> float:
        """Return the probability with the inputs of a concept as they typically are."""
        found, x = self._found, self._found.x.copy()
        own = np.array([each == concept for each in self.concepts])
        x[own] = self._typical[own]
        return predict(
            found.stage, self._curves, x, found.promise_days, found.waited_days, self._moves
        ).p_late


def fidelity(home: Path, most: int, seed: int = 1) -> Fidelity:
    """Take the told reasons of a home's open orders away, one by one."""
    scorer, luck = load_scorer(Settings(home=home)), random.Random(seed)  # noqa: S311
    names = [item.assessment.order_id for item in scorer.worklist().items]
    names = [each for each in names if scorer.score_id(each).state == "at_risk"][:most]
    right, first, shares, told, by_lot = [], [], [], [], []
    for name in names:
        asked = Asked(scorer, name)
        judged = [
            each for each in asked.said.reasons
            if abs(each.effect_pp) >= _LEAST_PP and each.code in asked.concepts
        ]  # fmt: skip
        others = sorted({*asked.concepts} - {each.code for each in asked.said.reasons})
        for place, reason in enumerate(judged):
            move = 100.0 * (asked.said.p_late - asked.without(reason.code))
            right.append(move * reason.effect_pp > 0)
            if place == 0:
                first.append(right[-1])
            shares.append(move / reason.effect_pp)
            told.append(abs(move))
        if others:
            move = asked.said.p_late - asked.without(luck.choice(others))
            by_lot.append(abs(100.0 * move))
    return Fidelity(
        len(names), len(right), round(float(np.mean(right)), 3), round(float(np.mean(first)), 3),
        round(median(shares), 2), round(median(by_lot), 2), round(median(told), 2),
    )  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, default=Path(".triage"))
    parser.add_argument("--orders", type=int, default=300)
    options = parser.parse_args()
    print(json.dumps(asdict(fidelity(options.home, options.orders)), indent=1))


if __name__ == "__main__":
    main()
