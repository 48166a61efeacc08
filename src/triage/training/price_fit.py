"""Learns what prices are usual and how errors look, from earlier lines without labels.

Usual discounts are medians, spreads are median absolute deviations, each shrunken towards the group
above (by lines). What lies outside its range is a mixture of what people grant and of errors;
its shares are found by expectation maximisation, per channel, shrunken towards all channels.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from triage.models.price_kinds import CENT, KINDS
from triage.models.priced_line import (
    EVERYWHERE,
    PricedLine,
    customer_keys,
    discount_keys,
    quantity_key,
    sku_keys,
)
from triage.models.prices import WIDTHS, PriceModel, PriceNumbers, bin_of
from triage.training.price_recipe import PriceRecipe

Floats = npt.NDArray[np.float64]
_TO_SIGMA = 1.4826
_DIGITS = 6
_UNKNOWN = KINDS.index("unknown")


@dataclass(frozen=True, slots=True)
class _Shrinking:
    """How groups are mixed with the group above."""

    least: int
    weight: int

    def medians(
        self, lines: Sequence[PricedLine], values: Sequence[float],
        keys: Callable[[PricedLine], tuple[str, ...]],
    ) -> dict[str, float]:  # fmt: skip
        """Return each large enough group's median, mixed with that of the group above it."""
        groups: dict[str, list[float]] = defaultdict(list)
        above: dict[str, str] = {}
        for line, value in zip(lines, values, strict=True):
            chain = keys(line)
            for at, key in enumerate(chain):
                groups[key].append(value)
                above.setdefault(key, chain[at - 1] if at else key)
        found: dict[str, float] = {}
        for key in sorted(groups, key=lambda key: (_depth(key, above), key)):
            own = groups[key]
            if key == above[key]:
                found[key] = round(float(np.median(own)), _DIGITS)
            elif len(own) >= self.least:
                parent = _known(above[key], above, found)
                mixed = (len(own) * float(np.median(own)) + self.weight * parent) / (
                    len(own) + self.weight
                )
                found[key] = round(mixed, _DIGITS)
        return found


def learn(lines: Sequence[PricedLine], recipe: PriceRecipe, *, as_of: int) -> PriceNumbers:
    """Return what earlier lines teach; the threshold is the least that the recipe allows.

    Args:
        lines: known before `as_of`, in sequence.
        recipe: the settings.
        as_of: UTC micros.
    """
    shrinking = _Shrinking(recipe.usual.least_lines, recipe.usual.shrink_lines)
    start = PriceNumbers(
        usual={}, by_quantity={}, level={}, spread={}, agreed_spread={}, background={}, errors={},
        width_factor=recipe.range.width_factor, least_width=recipe.range.least_width,
        rates=recipe.errors.rates, rate_width=recipe.errors.rate_width,
        threshold=recipe.threshold.least_probability, trained_as_of=as_of, lines=len(lines),
        recipe=recipe.version,
    )  # fmt: skip
    numbers = start.model_copy(update=_discounts(lines, shrinking))
    numbers = numbers.model_copy(update=_spreads(lines, PriceModel(numbers), shrinking))
    return numbers.model_copy(update=_mixture(lines, PriceModel(numbers), recipe))


def _discounts(lines: Sequence[PricedLine], shrinking: _Shrinking) -> dict[str, dict[str, float]]:
    free = [x for x in lines if not x.contract_price and x.price > 0 and not _on_offer(x)]
    listed = [x for x in free if x.volume_price or x.list_price]
    ratios = [math.log(x.price / (x.volume_price or x.list_price or 1.0)) for x in listed]
    usual = shrinking.medians(listed, ratios, discount_keys) if listed else {}
    rest = [
        ratio - next(usual[key] for key in reversed(discount_keys(x)) if key in usual)
        for x, ratio in zip(listed, ratios, strict=True)
    ]
    by_quantity = (
        shrinking.medians(listed, rest, lambda x: (EVERYWHERE, quantity_key(x))) if rest else {}
    )
    by_quantity.pop(EVERYWHERE, None)
    bare = [x for x in free if not (x.volume_price or x.list_price)]
    prices: dict[str, list[float]] = defaultdict(list)
    for x in bare:
        prices[x.sku].append(math.log(x.price))
    level = {
        sku: round(float(np.median(own)), _DIGITS)
        for sku, own in sorted(prices.items())
        if len(own) >= shrinking.least
    }
    return {"usual": usual, "by_quantity": by_quantity, "level": level}


def _on_offer(line: PricedLine) -> bool:
    return line.promotion_price is not None and abs(line.price - line.promotion_price) <= CENT


def _spreads(
    lines: Sequence[PricedLine], model: PriceModel, shrinking: _Shrinking
) -> dict[str, dict[str, float]]:
    free: list[PricedLine] = []
    agreed: list[PricedLine] = []
    off_free: list[float] = []
    off_agreed: list[float] = []
    for line in lines:
        expected = model.expect(line)
        if expected is None or line.price <= 0:
            continue
        off = _TO_SIGMA * abs(math.log(line.price / expected.price))
        if abs(line.price - expected.price) <= CENT:
            off = 0.0
        if expected.basis in {"list", "history"}:
            free.append(line)
            off_free.append(off)
        else:
            agreed.append(line)
            off_agreed.append(off)
    by_thing = shrinking.medians(free, off_free, sku_keys)
    by_customer = shrinking.medians(free, off_free, customer_keys)
    own = shrinking.medians(agreed, off_agreed, lambda x: (EVERYWHERE, f"customer|{x.customer}"))
    return {"spread": by_thing | by_customer, "agreed_spread": own}


@dataclass(frozen=True, slots=True)
class _Outside:
    """Lines outside their range: channel, bin of EDGES and density under each kind, by line."""

    channel: npt.NDArray[np.str_]
    bins: npt.NDArray[np.int64]
    density: Floats

    @classmethod
    def of(cls, lines: Iterable[PricedLine], model: PriceModel) -> _Outside:
        channel, bins, density = [], [], []
        for line in lines:
            expected = model.expect(line)
            if expected is None or model.explained(line, expected):
                continue
            channel.append(line.channel or EVERYWHERE)
            bins.append(bin_of(line.price, expected.price))
            density.append([fit.density for fit in model.fits(line, expected)])
        return cls(
            np.array(channel, dtype=np.str_), np.array(bins, dtype=np.int64),
            np.array(density, dtype=np.float64).reshape(-1, len(KINDS)),
        )  # fmt: skip

    def at(self, rows: npt.NDArray[np.bool_]) -> _Outside:
        return _Outside(self.channel[rows], self.bins[rows], self.density[rows])


def _mixture(
    lines: Sequence[PricedLine], model: PriceModel, recipe: PriceRecipe
) -> dict[str, dict[str, tuple[float, ...]]]:
    """Return shares of errors and bins of what is granted, for all channels and for each."""
    outside = _Outside.of(lines, model)
    errors, granted = _expectation_maximisation(outside, recipe, None)
    shares = {EVERYWHERE: _rounded(errors)}
    background = {EVERYWHERE: _rounded(granted)}
    for channel in sorted(set(outside.channel.tolist()) - {EVERYWHERE}):
        own = outside.at(outside.channel == channel)
        found = _expectation_maximisation(own, recipe, (errors, granted))
        shares[channel], background[channel] = _rounded(found[0]), _rounded(found[1])
    return {"errors": shares, "background": background}


def _expectation_maximisation(
    outside: _Outside, recipe: PriceRecipe, prior: tuple[Floats, Floats] | None
) -> tuple[Floats, Floats]:
    """Return (kinds,) shares of errors and (bins,) shares of what is right, with `prior` lines."""
    weight = float(recipe.errors.prior_lines)
    widths = np.array(WIDTHS)
    if prior is None:
        shares = np.full(len(KINDS), recipe.errors.start_share)
        even = widths / widths.sum()
        unlike = outside.density[:, :_UNKNOWN].sum(axis=1) == 0
        granted = np.bincount(outside.bins[unlike], minlength=len(widths)) + even
        granted = granted / granted.sum()
        prior = shares, even
        weight = 1.0
    else:
        shares, granted = prior
    shares = shares.copy()
    shares[_UNKNOWN] = recipe.errors.unknown_share
    for _ in range(recipe.errors.rounds):
        parts = shares * outside.density
        right = (1 - shares.sum()) * (granted / widths)[outside.bins]
        total = parts.sum(axis=1) + right
        parts, right = parts / total[:, None], right / total
        shares = (parts.sum(axis=0) + weight * prior[0]) / (len(total) + weight)
        shares = np.maximum(shares, recipe.errors.least_share)
        shares[_UNKNOWN] = recipe.errors.unknown_share
        granted = np.bincount(outside.bins, right, minlength=len(widths)) + weight * prior[1]
        granted = granted / granted.sum()
    return shares, granted


def _rounded(values: Floats) -> tuple[float, ...]:
    return tuple(round(float(value), 8) for value in values)


def _depth(key: str, above: dict[str, str]) -> int:
    depth = 0
    while above[key] != key:
        key, depth = above[key], depth + 1
    return depth


def _known(key: str, above: dict[str, str], found: dict[str, float]) -> float:
    while key not in found:
        key = above[key]
    return found[key]
