"""What the page of a run is made of: sections of words, figures and tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose first column names its rows; `strong` rows stand out.

    Attributes:
        caption: what it shows.
        head: column titles.
        rows: cells by row; text, or markup of this package.
        strong: numbers of the rows that stand out.
        folded: whether it is shown only when asked for.
        words: number of leading columns that are text (aligned to the left).
    """

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str | Markup]]
    strong: frozenset[int] = frozenset()
    folded: bool = False
    words: int = 1


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart with its title, a remark below it, and its legend as (style, name)."""

    title: str
    svg: Markup
    remark: str = ""
    legend: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """One section of the page; `label` is its short name in the list of sections."""

    key: str
    label: str
    title: str
    words: Sequence[str] = ()
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = field(default_factory=tuple)


def percent(share: float, digits: int = 1) -> str:
    """Return a share in per cent; a dash if it is undefined."""
    return "–" if math.isnan(share) else f"{100 * share:.{digits}f} %"  # noqa: RUF001


def number(value: float, digits: int = 2) -> str:
    """Return a number with a fixed number of decimals; a dash if it is undefined."""
    return "–" if math.isnan(value) else f"{value:,.{digits}f}"  # noqa: RUF001


def interval(low: float, high: float) -> str:
    """Return an interval of shares in per cent."""
    return f"{100 * low:.1f} to {100 * high:.1f} %"
