"""Is a line's price right? What is expected, how far it is off, and which error it looks like.

What was agreed explains a price first: contract, promotion, list with quantity breaks at the
customer's usual discount. What is left is judged by a mixture: deviations that people grant, as
often as this channel grants them, against the traces of known errors (`price_kinds`). Everything
was learned from earlier lines without labels, and is kept as plain numbers.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from triage.errors import BundleError
from triage.models.bundle import read_bundle
from triage.models.price_kinds import CENT, KINDS, Fit, Kind, fits
from triage.models.priced_line import (
    EVERYWHERE,
    PricedLine,
    customer_keys,
    discount_keys,
    quantity_key,
    sku_keys,
)

NAME = "prices"
FILE = "prices.json"
EDGES: tuple[float, ...] = (
    *(-6.0, -3.0, -2.0, -1.5, -1.0, -0.75, -0.5, -0.4, -0.3, -0.2, -0.1, 0.0),
    *(0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 6.0),
)
"""Inner edges of the bins in which deviations are counted, on the log scale."""
LEAST_PRICE = 1e-4
"""A hundredth of a cent a piece: less is no price."""
_TAIL = 3.0
WIDTHS: tuple[float, ...] = (
    _TAIL, *(b - a for a, b in pairwise(EDGES)), _TAIL,
)  # fmt: skip
_LEAST_PRICE = 0.005

Basis = Literal["contract", "promotion", "list", "history"]


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a line should cost.

    Attributes:
        price: per piece.
        low, high: range that is usual; a price inside it is never anomalous.
        width: half-width of the range on the log scale, before rounding to cents.
        basis: what the expectation rests on.
    """

    price: float
    low: float
    high: float
    width: float
    basis: Basis


@dataclass(frozen=True, slots=True)
class PriceVerdict:
    """A line's price as judged.

    Attributes:
        price: as entered, per piece.
        expected: what it should be.
        deviation: price / expected - 1.
        p_error: chance that the price is wrong, 0 to 1; 0 inside the range.
        anomalous: whether somebody should look at it.
        kind: the error that it looks most like; None unless anomalous.
        factor: by how much the expected price seems to have been multiplied; NaN if unclear.
        detail: currency that fits, for that kind.
    """

    price: float
    expected: Expectation
    deviation: float
    p_error: float
    anomalous: bool
    kind: Kind | None
    factor: float
    detail: str


class PriceNumbers(BaseModel):
    """Everything that was learned. Discounts and spreads are on the log scale, by group key.

    Attributes:
        usual: (tier, tier and channel, customer) -> log(price / list) of lines without a contract.
        by_quantity: category and quantity band -> what comes on top of that.
        level: sku -> log(price), for lines without any list price.
        spread: (category, sku, tier, customer) -> robust standard deviation around the expectation.
        agreed_spread: the same around contracts and promotions, by customer.
        background: channel -> share of deviations that were right in each bin of EDGES.
        errors: channel -> share of each kind in KINDS among the lines outside their range.
        width_factor: half-width of the range in robust standard deviations.
        least_width: half-width that is always allowed.
        rates: units of a currency for one of the company's.
        rate_width: by how much a rate may have moved, on the log scale.
        threshold: chance of an error from which a price is anomalous.
        trained_as_of: UTC micros; only lines recorded before were used.
        lines: how many.
        recipe: version of the recipe.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    usual: dict[str, float]
    by_quantity: dict[str, float]
    level: dict[str, float]
    spread: dict[str, float]
    agreed_spread: dict[str, float]
    background: dict[str, tuple[float, ...]]
    errors: dict[str, tuple[float, ...]]
    width_factor: float
    least_width: float
    rates: dict[str, float]
    rate_width: float
    threshold: float
    trained_as_of: int
    lines: int
    recipe: str


@dataclass(frozen=True, slots=True)
class PriceModel:
    """Learned numbers with the digest of their bundle."""

    numbers: PriceNumbers
    digest: str = ""

    @classmethod
    def load(cls, folder: Path, expected: str | None = None) -> PriceModel:
        """Read a bundle.

        Raises:
            BundleError: if it is not the one that was promoted, or not of this form.
        """
        digest, files = read_bundle(folder, expected)
        try:
            return cls(PriceNumbers.model_validate_json(files[FILE]), digest)
        except (KeyError, ValidationError) as error:
            raise BundleError(
                f"{folder} is no price model of this version: run `triage train {NAME}` again"
            ) from error

    def expect(self, line: PricedLine) -> Expectation | None:
        """Return what a line should cost; None if nothing is known that it could be held against.

        The lower of what was agreed with the customer and of what is on offer.
        """
        numbers = self.numbers
        if line.contract_price:
            price, width = line.contract_price, self._agreed_width(line)
            basis: Basis = "contract"
        else:
            usual = self._usual(line)
            if usual is None:
                return None if not line.promotion_price else self._promoted(line)
            price, basis = usual
            width = numbers.width_factor * self._spread(line)
        if line.promotion_price and line.promotion_price < price:
            return self._promoted(line)
        return _range(price, max(width, numbers.least_width), basis)

    def judge(self, line: PricedLine) -> PriceVerdict | None:
        """Judge a price; None if nothing is known that it could be held against.

        An expected price below `LEAST_PRICE` is nothing to hold it against.
        """
        expected = self.expect(line)
        if expected is None or expected.price < LEAST_PRICE:
            return None
        off = line.price / expected.price - 1.0
        if self.explained(line, expected):
            return PriceVerdict(line.price, expected, off, 0.0, False, None, math.nan, "")
        found = self.fits(line, expected)
        shares = self.numbers.errors.get(line.channel or EVERYWHERE, self._errors)
        weighed = [share * fit.density for share, fit in zip(shares, found, strict=True)]
        wrong = sum(weighed)
        right = (1.0 - sum(shares)) * self._granted(line, expected)
        p_error = wrong / (wrong + right) if wrong + right > 0 else 0.0
        anomalous = p_error >= self.numbers.threshold
        best = max(range(len(KINDS)), key=lambda at: weighed[at])
        if not anomalous:
            return PriceVerdict(line.price, expected, off, p_error, False, None, math.nan, "")
        fit = found[best]
        return PriceVerdict(
            line.price, expected, off, p_error, True, KINDS[best], fit.factor, fit.detail
        )

    def explained(self, line: PricedLine, expected: Expectation) -> bool:
        """Return whether a price is in the range, or is to the cent what was agreed or offered."""
        if expected.low <= line.price <= expected.high:
            return True
        return any(
            agreed is not None and abs(line.price - agreed) <= CENT
            for agreed in (line.contract_price, line.promotion_price)
        )

    def fits(self, line: PricedLine, expected: Expectation) -> tuple[Fit, ...]:
        """Return how well a price fits each kind of error."""
        return fits(
            max(line.price, _LEAST_PRICE), expected.price, expected.width,
            case_quantity=line.case_quantity, contract_price=line.contract_price,
            former_contract_price=line.former_contract_price, rates=self.numbers.rates,
            rate_width=self.numbers.rate_width,
        )  # fmt: skip

    @property
    def _errors(self) -> tuple[float, ...]:
        return self.numbers.errors[EVERYWHERE]

    def _granted(self, line: PricedLine, expected: Expectation) -> float:
        """Return the density of a deviation among prices that were right."""
        background = self.numbers.background
        shares = background.get(line.channel or EVERYWHERE, background[EVERYWHERE])
        at = bin_of(line.price, expected.price)
        return shares[at] / WIDTHS[at]

    def _promoted(self, line: PricedLine) -> Expectation:
        width = max(self._agreed_width(line), self.numbers.least_width)
        return _range(line.promotion_price or 0.0, width, "promotion")

    def _usual(self, line: PricedLine) -> tuple[float, Basis] | None:
        listed = line.volume_price or line.list_price
        if listed:
            discount = _deepest(self.numbers.usual, discount_keys(line))
            band = self.numbers.by_quantity.get(quantity_key(line), 0.0)
            return listed * math.exp(discount + band), "list"
        level = self.numbers.level.get(line.sku)
        return None if level is None else (math.exp(level), "history")

    def _spread(self, line: PricedLine) -> float:
        spread = self.numbers.spread
        return max(_deepest(spread, sku_keys(line)), _deepest(spread, customer_keys(line)))

    def _agreed_width(self, line: PricedLine) -> float:
        keys = (EVERYWHERE, f"customer|{line.customer}")
        return self.numbers.width_factor * _deepest(self.numbers.agreed_spread, keys)


def bin_of(price: float, expected: float) -> int:
    """Return in which bin of EDGES a deviation lies."""
    return bisect_right(EDGES, math.log(max(price, _LEAST_PRICE) / expected))


def dumped(numbers: PriceNumbers) -> bytes:
    """Return learned numbers as the bytes of a bundle's file: the same numbers, the same bytes."""
    return (json.dumps(numbers.model_dump(), indent=1, sort_keys=True) + "\n").encode()


def _deepest(known: dict[str, float], keys: tuple[str, ...]) -> float:
    for key in reversed(keys):
        found = known.get(key)
        if found is not None:
            return found
    return 0.0


def _range(price: float, width: float, basis: Basis) -> Expectation:
    factor = math.exp(width)
    return Expectation(price, max(price / factor - CENT, 0.0), price * factor + CENT, width, basis)
