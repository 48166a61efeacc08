"""Prices of an order's lines, beside its score: the champion of prices, and the log's lines.

A company may have no price model; then nothing is said about prices, and nothing else changes.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from triage.advice.prices import LinePrice, assess_price
from triage.domain.records import Order, Record
from triage.errors import BundleError
from triage.history.tables import History
from triage.models.champion import bundle_folder, find_champion
from triage.models.price_lines import StoredLines
from triage.models.priced_line import PricedLine
from triage.models.prices import NAME, PriceModel
from triage.serving.intake import ScoreRequest
from triage.settings import Settings

_KEPT = 20_000
_LOG = logging.getLogger("triage.serving")


class PriceDesk:
    """Assesses prices of stored orders and of orders that are sent whole.

    Args:
        model: the champion of prices.
        history: the log. A line's price is judged by what was agreed on the day of its order, so
            the answer does not depend on the moment of asking.
    """

    def __init__(self, model: PriceModel, history: History) -> None:
        self.model = model
        stored = StoredLines(history)
        self._added: dict[str, Order] = {}
        self._of_id = lru_cache(maxsize=_KEPT)(lambda name: self._assessed(stored.of(name)))

    def of_id(self, order_id: str) -> tuple[LinePrice, ...]:
        """Return the prices of a stored order's lines; none for an order that is not stored."""
        order = self._added.get(order_id)
        return self._of_id(order_id) if order is None else self.of_order(order)

    def take_over(self, model: PriceModel) -> None:
        """Let another model judge from now on."""
        self.model = model
        self._of_id.cache_clear()

    def note(self, record: Record) -> None:
        """Take in one more record: an order that is new."""
        if isinstance(record, Order) and not self._of_id(record.order_id):
            self._added.setdefault(record.order_id, record)

    def of_order(self, order: Order) -> tuple[LinePrice, ...]:
        """Return the prices of an order that was sent whole."""
        return self._assessed([(x.line_no, PricedLine.of(order, x)) for x in order.lines])

    def _assessed(self, lines: Sequence[tuple[int, PricedLine | None]]) -> tuple[LinePrice, ...]:
        found = (assess_price(self.model, number, line) for number, line in lines)
        return tuple(price for price in found if price is not None)


def load_price_desk(settings: Settings, history: History) -> PriceDesk | None:
    """Return the desk with the champion of prices; None if there is none or it cannot be read."""
    try:
        pointer = find_champion(settings.home, NAME)
        if pointer is None:
            return None
        folder = bundle_folder(settings.home, NAME, pointer["digest"])
        return PriceDesk(PriceModel.load(folder, pointer["digest"]), history)
    except BundleError as error:
        _LOG.warning("nothing is said about prices: %s", error)
        return None


def odd_prices(desk: PriceDesk | None, order_id: str) -> list[LinePrice]:
    """Return the lines of a stored order whose price somebody should look at."""
    return [] if desk is None else [price for price in desk.of_id(order_id) if price.anomalous]


def with_lines(
    answer: dict[str, Any], desk: PriceDesk | None, request: ScoreRequest
) -> dict[str, Any]:
    """Return an answer with the lines of the order that was asked for; as it is without a desk."""
    if desk is None:
        return answer
    whole = request.order
    prices = desk.of_id(request.order_id) if whole is None else desk.of_order(whole)
    return answer | {"lines": lines_of(prices)}


def lines_of(prices: Sequence[LinePrice]) -> list[dict[str, Any]]:
    """Return `lines` of an answer (see `price_schemas.LineOut`)."""
    return [
        {
            "line_no": entry.line_no,
            "price": {
                "entered": entry.price,
                "expected": entry.expected,
                "low": entry.low,
                "high": entry.high,
                "deviation": entry.deviation,
                "against": entry.against,
                "p_error": entry.p_error,
                "anomalous": entry.anomalous,
                "kind": entry.kind,
                "reason": entry.reason or None,
            },
        }
        for entry in prices
    ]
