"""Rows of the list as they were drawn last: after an act, all but a few are as they were."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from triage.serving.pages.rows import LateRow, RiskRow

_MOST: Final = 4_000


class DrawnRows:
    """Draws rows, and keeps what it drew of each order until that order's row says other things.

    Args:
        draw: makes HTML of a row, its columns, and whether it can be selected; of nothing else.
    """

    def __init__(self, draw: Callable[..., str]) -> None:
        self._draw = draw
        self._kept: dict[tuple[object, ...], tuple[RiskRow | LateRow, str]] = {}

    def of(self, row: RiskRow | LateRow, columns: tuple[str, ...], *, pick: bool) -> str:
        """Return a row's HTML."""
        key = (row.order.order_id, columns, pick)
        kept = self._kept.get(key)
        if kept is not None and kept[0] == row:
            return kept[1]
        if len(self._kept) >= _MOST:
            self._kept.clear()
        drawn = self._draw(row, columns, pick)
        self._kept[key] = row, drawn
        return drawn
