"""Orders that wait for the same thing: one cause, one call, many orders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from triage.advice.assessment import Assessment
from triage.features.declarations import Cause


@dataclass(frozen=True, slots=True)
class Group:
    """Orders at risk that share their main cause and what it is bound to.

    Attributes:
        cause: the main cause of each.
        text: the sentence for people.
        order_ids: in the order of the list.
        expected_loss: of all, in the currency of the first.
        currency: that currency.
    """

    cause: Cause
    text: str
    order_ids: tuple[str, ...]
    expected_loss: float
    currency: str


def shared(orders: Iterable[Assessment], least: int, p_late_from: float) -> tuple[Group, ...]:
    """Return the groups of at least so many orders, most expected loss first.

    Args:
        orders: in the order of the list.
        least: orders that make a group.
        p_late_from: probability from which on an order counts.
    """
    found: dict[tuple[Cause, str], list[Assessment]] = {}
    for order in orders:
        if order.state != "at_risk" or order.p_late < p_late_from or not order.causes:
            continue
        cause = order.causes[0].cause
        shared_thing = _thing(cause, order)
        if shared_thing is not None:
            found.setdefault((cause, shared_thing), []).append(order)
    groups = [
        Group(
            cause,
            f"{len(own)} orders {thing}",
            tuple(order.order_id for order in own),
            sum(order.expected_loss for order in own),
            own[0].currency,
        )
        for (cause, thing), own in found.items()
        if len(own) >= least
    ]
    return tuple(sorted(groups, key=lambda group: (-group.expected_loss, group.text)))


def _thing(cause: Cause, order: Assessment) -> str | None:
    """Return what an order waits for or is with, in words; None if nothing can be named."""
    if cause == "inventory" and order.scarce and order.site:
        return f"wait for {order.scarce} at {order.site}"
    if cause == "warehouse" and order.site:
        return f"wait for the warehouse {order.site}"
    if cause == "carrier" and order.carrier:
        return f"go with {order.carrier}"
    if cause == "approval":
        return "wait for a decision of the office"
    if cause == "integration" and order.site:
        return f"wait for a message between systems of {order.site}"
    return None
