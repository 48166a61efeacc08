"""The fit report for people: tables and sentences for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from triage.history.health import Health, MilestoneHealth
from triage.training.family_worth import Worth
from triage.training.fit_report import FitReport

_SHOWN_MONTHS, _SHOWN_ABSENT = 18, 12
_BAR = 20


def as_text(report: FitReport) -> RenderableType:
    """Return the report as something that a rich console prints."""
    parts: list[RenderableType] = [
        Text(f"{', '.join(report.titles)}, as of {report.extracted_at[:16]}Z", "bold"),
        _amount(report), _months(report.health), _milestones(report.health), _families(report),
        _absent(report),
    ]  # fmt: skip
    if report.quoted:
        title = (
            f"What the missing sources brought on the simulated distributor ({report.quoted_from})"
        )
        parts.append(_worths(title, report.quoted))
    if report.measured:
        parts.append(_worths("What the sources that are there bring on this data", report.measured))
    parts.append(_advice(report.advice))
    return Group(*parts)


_RECORDS_IN_WORDS = {
    "inventory_position": "stock counts",
    "exception_event": "exceptions",
    "inbound_supply": "deliveries to the sites",
    "staffing": "hours of work at the sites, from rosters or time clocks",
    "returning_customers": "customers who order again (one order in five)",
    "few_orders": "less than 500 orders a month (with more, a quarter says enough)",
    "order_line": "lines of the orders",
}


def source_in_words(source: str) -> str:
    """Return a source's name as people say it."""
    record, _, name = source.partition(".")
    if source == "milestone.due_by":
        return "deadline for the hand-over (ship_by of the order, or due_by on the validation)"
    if source in _RECORDS_IN_WORDS:
        return f"{_RECORDS_IN_WORDS[source]} ({source})"
    if record == "milestone":
        return f"{name} milestone"
    return f"{name} of the {'order' if record == 'order' else 'lines'}"


def _amount(report: FitReport) -> Text:
    health = report.health
    judged = sum(month.judged for month in health.months)
    late = sum(month.late for month in health.months)
    low, middle, high = health.promise_days
    there, not_there = report.stages
    lines = [
        f"{health.orders:,} orders with {health.lines:,} lines in {len(health.months)} months;"
        f" {judged:,} past their promise, {late / max(judged, 1):.1%} of them late",
        f"promised {middle:.1f} days ahead ({low:.1f} to {high:.1f}),"
        f" {'to a day' if health.promise_only_days else 'to a moment'}",
        f"scored at: {', '.join(there)}"
        + (f"; not at {', '.join(not_there)}: no such milestone" if not_there else ""),
        f"the recipe learns from at least {report.needs[0]:,} orders and judges"
        f" {report.needs[1]} months",
    ]
    return Text("\n".join(lines))


def _months(health: Health) -> Table:
    table = Table("month", "orders", "past promise", "late", "", title_justify="left", box=None)
    for month in health.months[-_SHOWN_MONTHS:]:
        share = month.late / month.judged if month.judged else 0.0
        table.add_row(
            month.month, f"{month.orders:,}", f"{month.judged:,}",
            f"{share:.1%}" if month.judged else "", "#" * round(share * _BAR),
        )  # fmt: skip
    return table


def _milestones(health: Health) -> Table:
    table = Table("milestone", "orders with it", "known after", "nine in ten", "", box=None)
    for milestone in health.milestones:
        table.add_row(
            milestone.kind, f"{milestone.share:.1%}",
            *(f"{hours:.1f} h" for hours in milestone.lag_hours), _note(milestone),
        )  # fmt: skip
    return table


def _note(milestone: MilestoneHealth) -> str:
    notes = []
    if milestone.only_days:
        notes.append("days without a time")
    if milestone.known_at_once:
        notes.append("known at once?")
    if milestone.stale:
        notes.append(f"silent for {milestone.silent_days:.1f} days")
    return ", ".join(notes)


def _families(report: FitReport) -> Text:
    text = Text("\nFamilies of features\n", "bold")
    for family in report.families:
        text.append(
            "  on  " if not family.lacks else "  off ", "yellow" if family.lacks else "green"
        )
        text.append(family.title, "")
        if family.lacks:
            text.append(f": no {', no '.join(map(source_in_words, family.lacks))}", "yellow")
        text.append("\n")
    return text


def _absent(report: FitReport) -> Text:
    text = Text("What is missing, and what knows less for want of it\n", "bold")
    for absent in report.absent[:_SHOWN_ABSENT]:
        reasons = "; ".join(absent.reasons)
        text.append(
            f"  no {source_in_words(absent.source)}: {absent.inputs} inputs ({reasons})\n", ""
        )
    more = len(report.absent) - _SHOWN_ABSENT
    if more > 0:
        text.append(f"  and {more} more (--json names them)\n", "")
    if not report.absent:
        text.append("  nothing\n", "")
    return text


def _worths(title: str, worths: Sequence[Worth]) -> Table:
    table = Table(
        "source", "scored at", "orders", "PR-AUC with", "without", "log loss with", "without",
        "lower by", "", title=title, title_justify="left", box=None,
    )  # fmt: skip
    for worth in worths:
        table.add_row(
            worth.group, worth.landmark, f"{worth.rows:,}",
            *(f"{value:.3f}" for value in worth.pr_auc),
            *(f"{value:.4f}" for value in worth.log_loss), f"{worth.gain:+.1%}",
            "within chance" if worth.within_chance else "",
        )  # fmt: skip
    return table


def _advice(advice: Sequence[str]) -> Text:
    text = Text("\nWhat to do\n", "bold")
    for number, sentence in enumerate(advice, 1):
        text.append(f"  {number}. {sentence}\n", "")
    if not advice:
        text.append("  nothing: the data is fit to train on\n", "green")
    return text
