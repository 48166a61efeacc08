"""What a person should do about the data, in sentences, most important first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from triage.history.health import Health, MilestoneHealth

_MANY_UNRESOLVED, _FEW = 0.10, 0.01
_THIN_MONTH = 100
_RARELY, _MOSTLY = 0.02, 0.50


def advise(health: Health, promise: str, needs: tuple[int, int]) -> tuple[str, ...]:
    """Return what to do.

    Args:
        health: of the log.
        promise: what the first source's promise names: "day" or "instant".
        needs: rows that the recipe learns from at least, months that it judges by.
    """
    return (
        *_promises(health, promise),
        *_amount(health, needs),
        *_feeds(health.milestones),
        *_outcomes(health),
    )


def _promises(health: Health, promise: str) -> Iterator[str]:
    if promise == "instant" and health.promise_only_days:
        yield (
            "The mapping says that a promise names an instant, but nearly all are midnights: a"
            ' delivery on the promised day counts as late. Set promise = "day" in mapping.toml and'
            " import into a new home."
        )
    if health.promised_before > _FEW:
        yield (
            f"{health.promised_before:.0%} of the orders were promised for a time before they were"
            " placed and cannot be scored: look whether promised_by is the first promise and"
            " event_time the placing of the order."
        )


def _amount(health: Health, needs: tuple[int, int]) -> Iterator[str]:
    judged = sum(month.judged for month in health.months)
    if judged < 2 * needs[0]:
        yield (
            f"{judged:,} orders have a promise that has passed; the recipe learns from"
            f" {needs[0]:,} before the first month that it judges. Import more history."
        )
    if not health.months:
        return
    mean = sum(month.orders for month in health.months) / len(health.months)
    if mean < _THIN_MONTH:
        yield (
            f"About {mean:.0f} orders a month are too few for {needs[1]} months to tell a model"
            " from a rule: judge by more months, set evaluation.months in the recipe."
        )


def _feeds(milestones: Sequence[MilestoneHealth]) -> Iterator[str]:
    for milestone in milestones:
        if milestone.stale:
            yield (
                f"The last {milestone.kind} became known {milestone.silent_days:.1f} days before"
                f" the extract, usually one comes within {milestone.usual_gap_days:.1f}: has its"
                " feed stopped?"
            )
    at_once = [m.kind for m in milestones if m.known_at_once]
    if at_once:
        yield (
            f"Seemingly known the moment it happens: {', '.join(at_once)}. What really comes by a"
            " file at night, or is confirmed days later, needs its record_time in the mapping: a"
            " backtest that knows too early looks better than life."
        )
    days = [m.kind for m in milestones if m.only_days]
    if days:
        yield (
            f"Days without a time: {', '.join(days)}. Waits of hours cannot be learnt from them; if"
            " your system has the time, let the extract give it."
        )


def _outcomes(health: Health) -> Iterator[str]:
    if health.unresolved > _MANY_UNRESOLVED:
        yield (
            f"{health.unresolved:.0%} of the orders past their promise have neither a delivery nor"
            " a cancellation and count as late: import the missing deliveries or cancellations."
        )
    judged, late = (sum(getattr(m, name) for m in health.months) for name in ("judged", "late"))
    if judged and late / judged < _RARELY:
        yield f"Only {late:,} of {judged:,} orders were late: every figure will be uncertain."
    if judged and late / judged > _MOSTLY:
        yield (
            f"{late / judged:.0%} of the orders were late: the promise says little. Is promised_by"
            " the first promise, and delivered the arrival at the customer?"
        )
