"""A line's price in words: what is odd about it and what it looks like."""

from __future__ import annotations

import math
from dataclasses import dataclass

from triage.models.price_kinds import Kind
from triage.models.priced_line import PricedLine
from triage.models.prices import Basis, PriceModel, PriceVerdict

_AGAINST: dict[Basis, str] = {
    "contract": "the contract price",
    "promotion": "the promotion price",
    "list": "this customer's usual price",
    "history": "the usual price",
}


@dataclass(frozen=True, slots=True)
class LinePrice:
    """A line's price as assessed; money is per piece, in the order's currency.

    Attributes:
        line_no: which line.
        price: as entered.
        expected: what it should be.
        low, high: range that is usual.
        deviation: price / expected - 1.
        against: what the expectation rests on: a contract or promotion that was agreed, or what
            is usual.
        p_error: chance that the price is wrong.
        anomalous: whether somebody should look at it.
        kind: the error that it looks most like; None unless anomalous.
        reason: the sentence for people; empty for a price inside its range.
    """

    line_no: int
    price: float
    expected: float
    low: float
    high: float
    deviation: float
    against: Basis
    p_error: float
    anomalous: bool
    kind: Kind | None
    reason: str


def assess_price(model: PriceModel, line_no: int, line: PricedLine | None) -> LinePrice | None:
    """Return a line's price as assessed; None if nothing is known to hold it against."""
    verdict = None if line is None else model.judge(line)
    if line is None or verdict is None:
        return None
    expected = verdict.expected
    return LinePrice(
        line_no, line.price, expected.price, expected.low, expected.high, verdict.deviation,
        expected.basis, verdict.p_error, verdict.anomalous, verdict.kind, sentence(line, verdict),
    )  # fmt: skip


def sentence(line: PricedLine, verdict: PriceVerdict) -> str:
    """Return what is odd about a price; empty if it is explained."""
    expected = verdict.expected
    if verdict.p_error == 0.0:
        return ""
    against = f"{_AGAINST[expected.basis]} of {_money(expected.price)}"
    if not verdict.anomalous:
        said = f"{_money(line.price)} is {_percent(verdict.deviation)} {against}"
        return f"{said}; no known error looks like this"
    if verdict.kind == "stale_contract":
        return (
            f"{_money(line.price)} is the price of the contract before; the one in force says"
            f" {_money(line.contract_price or expected.price)}"
        )
    return f"{_money(line.price)} is {_times(verdict, against)}: {_looks_like(line, verdict)}"


def _looks_like(line: PricedLine, verdict: PriceVerdict) -> str:
    if verdict.kind == "unit":
        return _unit(line, verdict.factor)
    if verdict.kind == "decimal":
        return "the decimal point seems to be in the wrong place"
    if verdict.kind == "currency":
        return f"it looks like an amount in {verdict.detail}"
    return "neither what was agreed nor anything seen before explains it"


def _unit(line: PricedLine, factor: float) -> str:
    pieces = round(max(factor, 1 / factor))
    box = "case" if line.case_quantity and pieces == round(line.case_quantity) else "box"
    if factor > 1:
        return f"it looks like the price of a {box} of {pieces}, entered for one piece"
    return f"it looks as if the price of one piece was taken for a {box} of {pieces} and divided"


def _times(verdict: PriceVerdict, against: str) -> str:
    ratio = 1 + verdict.deviation
    if ratio >= 1.95:
        return f"{_number(ratio)} times {against}"
    if 0 < ratio <= 0.52:
        return f"1/{_number(1 / ratio)} of {against}"
    return f"{_percent(verdict.deviation)} {against}"


def _percent(deviation: float) -> str:
    side = "above" if deviation > 0 else "below"
    return f"{_number(100 * abs(deviation))} % {side}"


def _number(value: float) -> str:
    whole = value >= 9.95 or math.isclose(value, round(value), rel_tol=0.005)
    return f"{value:,.0f}" if whole else f"{value:.1f}"


def _money(value: float) -> str:
    return f"{value:,.2f}"
