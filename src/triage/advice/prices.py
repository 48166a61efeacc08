"""A line's price in words: what is odd about it and what it looks like."""

from __future__ import annotations

from dataclasses import dataclass

from triage.advice.wording import Sentence
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
        said: the same with its figures kept apart; None for a price inside its range.
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
    said: Sentence | None = None


def assess_price(model: PriceModel, line_no: int, line: PricedLine | None) -> LinePrice | None:
    """Return a line's price as assessed; None if nothing is known to hold it against."""
    verdict = None if line is None else model.judge(line)
    if line is None or verdict is None:
        return None
    expected, said = verdict.expected, sentence(line, verdict)
    return LinePrice(
        line_no, line.price, expected.price, expected.low, expected.high, verdict.deviation,
        expected.basis, verdict.p_error, verdict.anomalous, verdict.kind,
        "" if said is None else said.told(), said,
    )  # fmt: skip


def sentence(line: PricedLine, verdict: PriceVerdict) -> Sentence | None:
    """Return what is odd about a price; None if it is explained."""
    expected = verdict.expected
    price, usual = (line.price, "a piece"), (expected.price, "a piece")
    against = _AGAINST[expected.basis]
    if verdict.p_error == 0.0:
        return None
    apart = (verdict.deviation, "apart")
    if not verdict.anomalous:
        pattern = f"{{0}} is {{1}} {against} of {{2}}; no known error looks like this"
        return Sentence(pattern, (price, apart, usual))
    if verdict.kind == "stale_contract":
        pattern = "{0} is the price of the contract before; the one in force says {1}"
        return Sentence(pattern, (price, (line.contract_price or expected.price, "a piece")))
    ratio = 1 + verdict.deviation
    said, by = f"{{1}} {against}", apart
    if ratio >= 1.95:
        said, by = f"{{1}} times {against}", (ratio, "fold")
    elif 0 < ratio <= 0.52:
        said, by = f"1/{{1}} of {against}", (1 / ratio, "fold")
    pattern = f"{{0}} is {said} of {{2}}: {_looks_like(line, verdict)}"
    return Sentence(pattern, (price, by, usual))


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
