"""What answers are made from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Basis:
    """What answers are made from; the same for many decisions.

    Attributes:
        model: digest of the at-risk bundle.
        version: its version in the registry.
        prices: digest of the bundle of prices; None without one.
        policy: digest of the policy, under which the ledger holds it.
        history: fingerprint of the log of extracts.
        events: how many events were applied.
    """

    model: str
    version: str
    prices: str | None
    policy: str
    history: str
    events: int
