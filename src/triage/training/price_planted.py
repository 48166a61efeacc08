"""Errors planted in prices that were right: what a company can judge a price model by.

Nobody labels wrong prices. So known errors are put into the newest lines whose price was explained,
and it is counted how many are found and named rightly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from triage.models.price_kinds import CENT, Kind
from triage.models.priced_line import PricedLine
from triage.models.prices import PriceModel


@dataclass(frozen=True, slots=True)
class Planted:
    """How many errors of one kind were planted, found, and found under their own name."""

    kind: Kind
    lines: int
    found: int
    named: int


def plant(
    lines: Sequence[PricedLine], model: PriceModel, *, most: int, seed: int
) -> tuple[Planted, ...]:
    """Plant each kind of error in some lines and judge them.

    Args:
        lines: not seen by the model.
        model: the model.
        most: lines in which each kind is planted, chosen at random.
        seed: of the choice.
    """
    right = [x for x in lines if _explained(x, model)]
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(right))[:most].tolist()
    counted = []
    kinds: tuple[Kind, ...] = ("unit", "decimal", "stale_contract", "currency")
    for kind in kinds:
        lines_of_kind = found = named = 0
        for at in rows:
            wrong = _wrong(right[at], kind, model, rng)
            if wrong is None:
                continue
            verdict = model.judge(wrong)
            lines_of_kind += 1
            if verdict is not None and verdict.anomalous:
                found += 1
                named += verdict.kind == kind
        counted.append(Planted(kind, lines_of_kind, found, named))
    return tuple(counted)


def _explained(line: PricedLine, model: PriceModel) -> bool:
    expected = model.expect(line)
    return line.price > 0 and expected is not None and model.explained(line, expected)


def _wrong(line: PricedLine, kind: Kind, model: PriceModel, rng: Generator) -> PricedLine | None:
    """Return the line with one error in its price; None where that kind cannot happen."""
    if kind == "stale_contract":
        former, agreed = line.former_contract_price, line.contract_price
        if former is None or agreed is None or abs(former - agreed) <= max(CENT, 0.015 * agreed):
            return None
        return replace(line, price=former)
    if kind == "unit":
        if line.case_quantity is None or line.case_quantity < 2:
            return None
        factor = line.case_quantity if rng.random() < 0.5 else 1 / line.case_quantity
    elif kind == "decimal":
        factor = float(rng.choice([10.0, 0.1]))
    else:
        rates = model.numbers.rates
        if not rates:
            return None
        factor = rates[sorted(rates)[int(rng.integers(len(rates)))]]
    price = round(line.price * factor, 2)
    return replace(line, price=price) if price > 0 else None
