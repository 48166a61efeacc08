"""Charts as inline SVG whose colours come from the page, so that they follow light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup, escape

WIDTH, HEIGHT = 380, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 10, 10, 44
_STYLES = ("model", "rule", "logistic", "constant")
_THIN = 400  # points of a curve beyond which neighbours are left out


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis: label, ends, and ticks as (value, text)."""

    label: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]

    @classmethod
    def share(cls, label: str, high: float = 1.0) -> Axis:
        """Make an axis of shares from 0 to about `high`, with ticks in per cent."""
        step = next(s for s in (0.01, 0.02, 0.05, 0.1, 0.2, 0.25) if high / s <= 5 or s == 0.25)
        count = max(1, -int(-high / step // 1))
        ticks = tuple((step * i, f"{100 * step * i:.0f} %") for i in range(count + 1))
        return cls(label, 0.0, step * count, ticks)

    @classmethod
    def numbers(cls, label: str, high: float) -> Axis:
        """Make an axis from 0 to about `high` with round ticks."""
        power = 10.0 ** (len(str(int(max(high, 1)))) - 1)
        step = next(s * power / 10 for s in (2, 5, 10, 20, 50, 100) if high <= 5.5 * s * power / 10)
        count = max(1, -int(-high / step // 1))
        ticks = tuple((step * i, f"{step * i:,.0f}") for i in range(count + 1))
        return cls(label, 0.0, step * count, ticks)

    @classmethod
    def names(cls, label: str, names: Sequence[str]) -> Axis:
        """Make an axis of names, each in the middle of its own unit."""
        every = -(-len(names) // 8)
        ticks = tuple((i + 0.5, name) for i, name in enumerate(names) if i % every == 0)
        return cls(label, 0.0, float(max(len(names), 1)), ticks)


@dataclass(frozen=True, slots=True)
class Series:
    """One series: points, and optionally an interval (low, high) at each.

    Attributes:
        name: in the legend.
        points: (x, y).
        style: model, rule, logistic or constant; gives colour and dashes.
        intervals: (low, high) by point; drawn as bars of error.
        dots: whether points are marked.
        joined: whether they are joined by a line.
    """

    name: str
    points: Sequence[tuple[float, float]]
    style: str = "model"
    intervals: Sequence[tuple[float, float]] = field(default_factory=tuple)
    dots: bool = False
    joined: bool = True


def chart(
    title: str,
    x: Axis,
    y: Axis,
    series: Sequence[Series],
    *,
    columns: Sequence[float] = (),
    line: Sequence[tuple[float, float]] = (),
) -> Markup:
    """Draw series over two axes.

    Args:
        title: what a reader who does not see it is told.
        x: horizontal axis.
        y: vertical axis.
        series: drawn in this order.
        columns: heights of columns behind the series, one a unit of x.
        line: a thin line behind everything, for example what would be perfect.
    """
    place = _Place(x, y)
    parts = [_axes(place), *(_column(place, i, height) for i, height in enumerate(columns))]
    if line:
        parts.append(f'<polyline class="guide" points="{place.path(line)}"/>')
    for each in series:
        parts += _series(place, each)
    return Markup(  # noqa: S704  texts are escaped where they are put in
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        + "".join(parts)
        + "</svg>"
    )


def meter(share: float) -> Markup:
    """Return a bar for a table's cell, as a share of its width."""
    return Markup('<span class="meter"><span style="width:{:.1f}%"></span></span>').format(
        100 * max(0.0, min(share, 1.0))
    )


@dataclass(frozen=True, slots=True)
class _Place:
    x: Axis
    y: Axis

    def at(self, x: float, y: float) -> tuple[float, float]:
        across = (x - self.x.low) / (self.x.high - self.x.low)
        up = (y - self.y.low) / (self.y.high - self.y.low)
        return (
            _LEFT + min(max(across, 0.0), 1.0) * (WIDTH - _LEFT - _RIGHT),
            HEIGHT - _BOTTOM - min(max(up, 0.0), 1.0) * (HEIGHT - _TOP - _BOTTOM),
        )

    def path(self, points: Sequence[tuple[float, float]]) -> str:
        return " ".join(f"{a:.1f},{b:.1f}" for a, b in (self.at(*point) for point in points))


def _axes(place: _Place) -> str:
    low, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    parts = []
    for value, text in place.y.ticks:
        _, at = place.at(place.x.low, value)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(f'<text class="tick" x="{_LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">')
        parts.append(f"{escape(text)}</text>")
    for value, text in place.x.ticks:
        at, _ = place.at(value, place.y.low)
        parts.append(f'<text class="tick" x="{at:.1f}" y="{low + 16}" text-anchor="middle">')
        parts.append(f"{escape(text)}</text>")
    parts.append(f'<line class="base" x1="{_LEFT}" x2="{right}" y1="{low}" y2="{low}"/>')
    middle = (_LEFT + right) / 2
    parts.append(f'<text class="label" x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">')
    parts.append(f"{escape(place.x.label)}</text>")
    return "".join(parts)


def _column(place: _Place, index: int, height: float) -> str:
    left, top = place.at(index + 0.2, height)
    right, low = place.at(index + 0.8, place.y.low)
    return (
        f'<rect class="column" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}"'
        f' height="{max(low - top, 0):.1f}"/>'
    )


def _series(place: _Place, series: Series) -> list[str]:
    style = series.style if series.style in _STYLES else "other"
    points = _thinned(series.points)
    parts = [f'<g class="s-{style}">']
    for (x, _), (low, high) in zip(series.points, series.intervals, strict=False):
        at, bottom = place.at(x, low)
        _, top = place.at(x, high)
        parts.append(f'<line class="error" x1="{at:.1f}" x2="{at:.1f}"')
        parts.append(f' y1="{bottom:.1f}" y2="{top:.1f}"/>')
    if series.joined and len(points) > 1:
        parts.append(f'<polyline class="curve" points="{place.path(points)}"/>')
    if series.dots:
        for point in points:
            at, up = place.at(*point)
            parts.append(f'<circle cx="{at:.1f}" cy="{up:.1f}" r="3.6"/>')
    return [*parts, "</g>"]


def _thinned(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    if len(points) <= _THIN:
        return points
    step = (len(points) - 1) / (_THIN - 1)
    return [points[round(i * step)] for i in range(_THIN)]
