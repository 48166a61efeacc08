"""The operations page in words: what slows orders down, what fails, what work brings."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from triage.domain.clock import MICROS_PER_DAY
from triage.serving import formats, texts, wording
from triage.serving.operations import Snapshot
from triage.serving.operations_figures import Brought, Latency, Precision, Rate
from triage.serving.pages.frame import Looking
from triage.serving.pages.operations_queue import Figure
from triage.serving.service import Service

_MOST_ROWS = 15


@dataclass(frozen=True, slots=True)
class RateRow:
    """One line of a table of rates; `tone` is "up" or "down" where the change is no chance.

    `rate` is per 100 orders of the last window.
    """

    name: str
    now: str
    rate: str
    before: str
    change: str
    tone: str


def rate_rows(told: Sequence[Rate], name: Callable[[str], str], orders: int) -> list[RateRow]:
    """Return rates in words, the most frequent ones.

    Args:
        told: rates.
        name: gives each in words.
        orders: how many orders there were in the last window.
    """
    return [_rate_row(each, name(each.name), orders) for each in told[:_MOST_ROWS]]


def _rate_row(each: Rate, name: str, orders: int) -> RateRow:
    gap, by_chance = each.now - each.before, 2 * math.sqrt(each.now + each.before)
    tone = "" if abs(gap) <= by_chance else "up" if gap > 0 else "down"
    return RateRow(
        name or texts.operations.NOT_SAID, formats.number(each.now),
        formats.number(100 * each.now / orders, 1) if orders else "\u2014",
        formats.number(each.before), texts.operations.change(gap, tone), tone,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step between milestones: how many, and days now and before."""

    name: str
    n: str
    median: str
    p90: str
    median_before: str
    p90_before: str


def step_rows(steps: Iterable[Latency]) -> list[StepRow]:
    """Return latencies in words; steps that no order took in either window are left out."""
    return [
        StepRow(
            texts.operations.step(wording.stage(each.begins), wording.stage(each.ends)),
            formats.number(each.n),
            _days(each.median), _days(each.p90), _days(each.median_before), _days(each.p90_before),
        )
        for each in steps
        if not (math.isnan(each.median) and math.isnan(each.median_before))
    ]  # fmt: skip


def _days(days: float) -> str:
    if math.isnan(days):
        return "\u2014"
    return (
        f"{formats.number(24 * days, 1)}\u00a0h"
        if days < 1
        else f"{formats.number(days, 1)}\u00a0d"
    )


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One feed: how old its newest record is, and in words whether it has gone quiet."""

    name: str
    age: str
    quiet: bool
    says: str


def feed_rows(made: Snapshot | None, seen: Looking) -> list[FeedRow]:
    """Return how old each feed is: kinds of records, then where exceptions come from."""
    now, hours_of = seen.advisor.now(), seen.advisor.policy.freshness.hours_of
    feeds = seen.advisor.feeds
    stale = feeds.stale(now, hours_of)
    rows = [
        _feed_row(
            texts.words.FEEDS.get(name, name),
            now - at,
            _quiet(hours_of(name)) if name in stale else "",
        )
        for name, at in feeds.newest.items()
    ]
    for name, (at, gap) in sorted(() if made is None else made.newest.items()):
        title = texts.operations.exceptions_from(
            texts.exceptions.source(name) or texts.operations.NOT_SAID
        )
        late = now - at > max(gap, MICROS_PER_DAY)
        rows.append(_feed_row(title, now - at, texts.operations.QUIETER if late else ""))
    return rows


def _quiet(hours: float) -> str:
    return texts.operations.stale(formats.number(hours, 0 if hours == round(hours) else 1))


def _feed_row(name: str, age: int, quiet: str) -> FeedRow:
    return FeedRow(name, wording.ago(max(0, age)), bool(quiet), quiet or texts.operations.FRESH)


def failures(service: Service) -> list[Figure]:
    """Return what failed between systems since this service began."""
    count = service.metrics.registry.get_sample_value
    refused = count("triage_events_total", {"result": "failed"}) or 0
    taken = count("triage_events_total", {"result": "accepted"}) or 0
    found = [
        Figure(
            texts.operations.REFUSED, formats.number(refused),
            texts.operations.of_events(taken + refused),
            "critical" if refused else "",
        )
    ]  # fmt: skip
    for metric in service.metrics.webhooks_held.collect():
        for sample in metric.samples:
            if sample.labels.get("state") == "dead" and sample.value:
                name = sample.labels["subscription"]
                found.append(
                    Figure(
                        texts.operations.dead_letters(name),
                        formats.number(sample.value),
                        "",
                        "critical",
                    )
                )
    if service.decisions is not None:
        status = service.decisions.ledger.status()
        found.append(
            Figure(
                texts.operations.BEHIND, formats.number(status.behind),
                status.problem or texts.operations.STORE_TAKES,
                "critical" if status.problem else "",
            )
        )  # fmt: skip
    return found


def precision_words(found: Precision) -> str:
    """Return how good the top of the list was."""
    if not found.looked_at:
        return texts.operations.NO_OUTCOMES
    return texts.operations.precision(
        found.late, found.looked_at, found.top, found.days,
        wording.percent(found.late / found.looked_at), wording.percent(found.base),
    )  # fmt: skip


def brought_words(found: Brought | None, seen: Looking) -> list[str]:
    """Return what acting brought by the hold-out, or why that cannot be told."""
    if found is None:
        return [texts.operations.NO_HOLD_OUT, texts.operations.NO_HOLD_OUT_MORE]
    if not found.enough:
        return [texts.operations.hold_out_early(found.held, found.free)]
    gap, low, high = found.fewer()
    told = [
        texts.operations.hold_out(
            wording.percent(found.free_late / found.free), found.free,
            wording.percent(found.held_late / found.held), found.held,
            *(formats.number(100 * share, 1) for share in (gap, low, high)),
        )
    ]  # fmt: skip
    if low <= 0 <= high:
        return [*told, texts.operations.HOLD_OUT_CHANCE]
    orders = [item.assessment for item in seen.index.worklist.items]
    if orders and gap > 0:
        stake, currency = statistics.fmean(o.at_stake for o in orders), orders[0].currency
        amounts = [
            formats.money(share * found.free * stake, currency) for share in (gap, low, high)
        ]
        told.append(texts.operations.protected(*amounts))
    return told
