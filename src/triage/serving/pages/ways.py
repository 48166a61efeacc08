"""Other ways for an order, in words: what each brings, what it costs, until when, who agrees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from triage.advice.assessment import Recommendation
from triage.serving import formats, texts, wording


@dataclass(frozen=True, slots=True)
class Way:
    """One row of the table of other ways.

    Attributes:
        what: what to do.
        support: in what the model has seen little like it; empty if it has.
        cells: a figure, what stands under it, and how it is shown: risk, days, cost, saving,
            until when, who agrees.
    """

    what: str
    support: str
    cells: tuple[tuple[str, str, str], ...]


def rows(advised: Sequence[Recommendation], currency: str, zone: str) -> list[Way]:
    """Return other ways in words, as they were advised.

    Args:
        advised: other ways, the best first.
        currency: of the order.
        zone: IANA name of the zone in which moments are told.
    """
    return [_row(each, currency, zone) for each in advised]


def _row(way: Recommendation, currency: str, zone: str) -> Way:
    until = wording.deadline(way.feasible_until, zone)
    agrees = wording.word(way.approver) if way.approver else texts.order.WAYS_NOBODY
    return Way(
        way.detail,
        texts.words.little_like_it(way.support) if way.support else "",
        (
            (*_risk(way), "figure"), (*_days(way), "figure"),
            (formats.money(way.cost, currency), _service(way), "figure"),
            (formats.money(way.saves, currency), "", "figure"),
            (until, "", ""), (agrees, "", ""),
        ),
    )  # fmt: skip


def _risk(way: Recommendation) -> tuple[str, str]:
    if way.delta_p is None:
        return texts.order.WAYS_AS_NOW, ""
    points = formats.signed(100 * way.delta_p, 0)
    return wording.percent(way.p_late), texts.order.change_of_risk(points)


def _service(way: Recommendation) -> str:
    return "" if way.service is None else texts.order.with_service(way.service)


def _days(way: Recommendation) -> tuple[str, str]:
    if way.delta_days is None:
        return texts.order.WAYS_AS_NOW, ""
    low, middle, high = (formats.signed(each, 1) for each in way.delta_days)
    return texts.words.days(middle), texts.order.from_to(low, high)
