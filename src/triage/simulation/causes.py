"""What can delay an order, and what one run of a world leaves out."""

from __future__ import annotations

from enum import IntFlag


class Cause(IntFlag):
    """Causes of lateness. A run is made with some of them; the others do not exist in it.

    STOCK: shortage and phantom stock. APPROVAL: orders that wait for a desk (credit, data, price).
    CAPACITY: too few pickers. INTEGRATION: messages that fail or stand still. CHANGE: the customer
    changes the order. CARRIER: transit that is slower (or faster) than the lane's nominal. SHOCK:
    weather on the way.
    """

    STOCK = 1
    APPROVAL = 2
    CAPACITY = 4
    INTEGRATION = 8
    CHANGE = 16
    CARRIER = 32
    SHOCK = 64


EVERY = Cause(127)
NAMES = tuple(str(cause.name).lower() for cause in Cause)
"""Names in the sequence of bits."""
INSIDE = Cause.STOCK | Cause.APPROVAL | Cause.CAPACITY | Cause.INTEGRATION | Cause.CHANGE
"""Causes that act before the goods leave the warehouse."""
