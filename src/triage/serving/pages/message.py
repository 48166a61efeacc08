"""A draft of what to tell a customer; people send it with their own tools."""

from __future__ import annotations

from dataclasses import dataclass

from triage.advice.assessment import Assessment
from triage.serving import texts, wording


@dataclass(frozen=True, slots=True)
class Message:
    """Subject and body, ready to be looked over."""

    subject: str
    body: str


def draft(order: Assessment, now: int, zone: str) -> Message:
    """Return what a customer could be told of an order.

    The dates are the half of the expected range that is not too good to be true: from as likely as
    not (p50) to nearly sure (p90).

    Args:
        order: as assessed.
        now: UTC micros.
        zone: IANA name of the zone in which dates are told.
    """
    _, middle, high = order.delay_days
    cause = order.causes[0].cause if order.causes else "other"
    return Message(
        texts.order.message_subject(order.order_id),
        texts.order.message_body(
            customer=order.customer or "",
            order_id=order.order_id,
            promised=wording.promise_day(order.promised_by, now, zone),
            expected=wording.delivery_days(order.promised_by, middle, high, now, zone),
            cause=texts.order.CUSTOMER_CAUSES.get(cause, texts.order.CUSTOMER_CAUSES["other"]),
            late=order.state == "already_late",
        ),
    )
