"""The shadow report for people: agreement, outcomes, and what follows, as tables and sentences."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table

from triage.domain.clock import from_micros
from triage.training.compare_report import NAMES, SURE
from triage.training.report_table import say
from triage.training.shadow_report import Agreement, Outcomes, ShadowReport


def as_text(report: ShadowReport) -> Group:
    """Return what was scored, how alike both models are, who was right, and the verdict."""
    first, last = (from_micros(moment) for moment in (report.first, report.last))
    parts: list[str | Table] = [
        f"{report.challenger} scored beside {report.champion}, answers of"
        f" {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC",
    ]
    if report.agreement:
        parts += [_in_words(report.agreement[0]), _agreement(report.agreement)]
    if report.outcomes:
        parts.append(_outcomes(report.outcomes))
    return Group(*parts, *report.notes, report.verdict())


def _in_words(found: Agreement) -> str:
    direction = "higher" if found.p_higher >= 0 else "lower"
    return (
        f"{found.orders:,} orders before their promise: probabilities are {100 * found.p_apart:.1f}"
        f" points apart on average, the challenger's {100 * abs(found.p_higher):.1f} {direction};"
        f" median delays {found.days_apart:.1f} days apart; ranks agree {say(found.ranks)} (1: the"
        " same list)"
    )


def _agreement(rows: tuple[Agreement, ...]) -> Table:
    table = _table("Agreement", "stage", "orders", "ranks", "points apart", "points higher", "days")
    for row in rows:
        table.add_row(
            row.stage, f"{row.orders:,}", say(row.ranks), f"{100 * row.p_apart:.1f}",
            f"{100 * row.p_higher:+.1f}", f"{row.days_apart:.1f}",
        )  # fmt: skip
    return table


def _outcomes(rows: tuple[Outcomes, ...]) -> Table:
    table = _table(
        "Outcomes known by now", "stage", "scores", "late", "figure", "challenger", "champion",
        "difference", "95 % interval", "challenger is",
    )  # fmt: skip
    for row in rows:
        head = (row.stage, f"{row.orders:,}", f"{row.late:,}")
        for found in row.differences:
            table.add_row(
                *head, NAMES[found.metric], say(found.challenger), say(found.champion),
                f"{found.difference:+.4f}", f"{found.low:+.4f} to {found.high:+.4f}",
                SURE[found.sure],
            )  # fmt: skip
            head = ("", "", "")
    return table


def _table(title: str, first: str, *names: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column(first, no_wrap=True)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    return table
