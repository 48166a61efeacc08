"""Kinds of price errors by the traces they leave: how well a deviation fits each of them.

A trace is a short interval of log(price / expected); what fits it has the density of a uniform law
there. Traces are as wide as rounding to cents and the expectation itself allow.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Kind = Literal["unit", "decimal", "stale_contract", "currency", "unknown"]
KINDS: tuple[Kind, ...] = ("unit", "decimal", "stale_contract", "currency", "unknown")
"""`unknown`: a deviation unlike anything that was ever right."""

CENT = 0.011
"""Two prices that differ by no more are the same after rounding."""
_HALF_CENT = 0.0051
_WHOLE_CASE = 0.6
_WIDEST = 14.0
_SLIPS = ((10.0, 0.45), (0.1, 0.45), (100.0, 0.05), (0.01, 0.05))


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a price fits one kind of error.

    Attributes:
        density: of log(price / expected) under that kind; 0 where it does not fit.
        factor: by how much the expected price seems to have been multiplied; NaN if that says
            nothing.
        detail: currency that fits best; empty for other kinds.
    """

    density: float
    factor: float = math.nan
    detail: str = ""


_NONE = Fit(0.0)


def fits(
    price: float,
    expected: float,
    width: float,
    *,
    case_quantity: float | None,
    contract_price: float | None,
    former_contract_price: float | None,
    rates: Mapping[str, float],
    rate_width: float,
) -> tuple[Fit, ...]:
    """Return the fit of each kind, in the order of KINDS.

    Args:
        price: as entered, per piece; above 0.
        expected: per piece; above 0.
        width: half-width of the expectation itself, on the log scale.
        case_quantity: pieces in a case; None if not known.
        contract_price: by the contract in force.
        former_contract_price: by the contract before it.
        rates: units of a currency for one of the order's.
        rate_width: by how much a rate may have moved, on the log scale.
    """
    deviation = math.log(price / expected)
    h = width + _HALF_CENT / price + _HALF_CENT / expected
    return (
        _best(deviation, h, _units(case_quantity)) if case_quantity else _NONE,
        _best(deviation, h, _SLIPS),
        _stale(price, contract_price, former_contract_price),
        _currency(deviation, h + rate_width, rates),
        Fit(1.0 / _WIDEST),
    )


def _best(deviation: float, h: float, factors: tuple[tuple[float, float], ...]) -> Fit:
    density, nearest, factor = 0.0, h, math.nan
    for candidate, weight in factors:
        off = abs(deviation - math.log(candidate))
        if off <= h:
            density += weight / (2 * h)
            if off <= nearest:
                nearest, factor = off, candidate
    return Fit(density, factor) if density else _NONE


@lru_cache(maxsize=1024)
def _units(case_quantity: float) -> tuple[tuple[float, float], ...]:
    """Return factors with weights: a case, an inner box (a divisor of it), each way round."""
    case = round(case_quantity)
    if case < 2 or abs(case - case_quantity) > 1e-9:
        return ()
    inner = [pieces for pieces in range(2, min(case, 1000)) if case % pieces == 0]
    share = 1.0 if not inner else _WHOLE_CASE
    pieces = [(float(case), share), *((float(x), (1 - share) / len(inner)) for x in inner)]
    return tuple((f, w / 2) for x, w in pieces for f in (x, 1 / x))


def _stale(price: float, contract: float | None, former: float | None) -> Fit:
    if contract is None or former is None or not former:
        return _NONE
    if abs(price - former) > CENT or abs(former - contract) <= CENT:
        return _NONE
    return Fit(price / (2 * CENT), former / contract if contract else math.nan)


def _currency(deviation: float, h: float, rates: Mapping[str, float]) -> Fit:
    density, nearest, factor, code = 0.0, h, math.nan, ""
    for name, rate in rates.items():
        off = abs(deviation - math.log(rate))
        if off <= h:
            density += 1 / (2 * h * len(rates))
            if off <= nearest:
                nearest, factor, code = off, rate, name
    return Fit(density, factor, code) if density else _NONE
