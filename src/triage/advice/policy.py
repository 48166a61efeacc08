"""What operations decides, read from `serving/policy.toml`."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import Field, field_validator

from triage import workspace
from triage.advice.wording import anything_from
from triage.advice.work_policy import WorkPolicy
from triage.workspace import Declared

_FILE = "serving/policy.toml"
FeedName = Literal["orders", "milestones", "positions", "supplies", "exceptions", "staffing"]
"""What tells the service: one kind of records."""


class ReasonPolicy(Declared):
    """How many reasons are told in words."""

    top: Annotated[int, Field(ge=1, le=20)] = 4


class AbstainPolicy(Declared):
    """When an answer says "I do not know" and the order needs a person.

    Attributes:
        widest: width of the bounds of the probability from which on it says nothing.
        unfamiliar: whether an order unlike those the model learnt from is left to a person.
        stale_feeds: while one of these has told nothing new for too long, every order is.
    """

    widest: Annotated[float, Field(gt=0, le=1)] = 0.4
    unfamiliar: bool = True
    stale_feeds: tuple[FeedName, ...] = ()

    def too_wide(self, bounds: tuple[float, float]) -> bool:
        """Return whether the bounds of a probability lie too far apart to say it."""
        low, high = bounds
        return high - low >= self.widest

    def unsure(
        self, bounds: tuple[float, float], unfamiliar: Sequence[str], stale: Collection[str] = ()
    ) -> tuple[str, ...]:
        """Return why nothing should be concluded, in words; empty if something can be.

        Args:
            bounds: of the probability.
            unfamiliar: what about the order is out of the usual range, in words.
            stale: feeds that have told nothing new for too long.
        """
        found = []
        if self.too_wide(bounds):
            found.append(anything_from(*(f"{bound:.0%}" for bound in bounds)))
        if self.unfamiliar and unfamiliar:
            found.append(f"Unlike past orders in: {', '.join(unfamiliar)}")
        if silent := [name for name in self.stale_feeds if name in stale]:
            found.append(f"No news for too long of: {', '.join(silent)}")
        return tuple(found)


class FreshnessPolicy(Declared):
    """How long an answer holds.

    Attributes:
        stale_after_minutes: until an order should be asked for again.
        list_seconds: how long the list stands at least before records move it.
        feed_hours: from this age of its newest record on a feed is told as stale.
        feed_hours_of: the same of single feeds, such as one that rests on days off.
    """

    stale_after_minutes: Annotated[float, Field(gt=0)] = 60.0
    feed_hours: Annotated[float, Field(gt=0)] = 72.0
    feed_hours_of: dict[FeedName, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    list_seconds: Annotated[float, Field(ge=0, le=60)] = 0.5

    def hours_of(self, feed: str) -> float:
        """Return from which age of its newest record on a feed is stale."""
        own = (hours for name, hours in self.feed_hours_of.items() if name == feed)
        return next(own, self.feed_hours)


class ShadowPolicy(Declared):
    """How much a challenger may take while it scores beside the champion.

    Attributes:
        queue: answers that may wait for its score; more are counted as dropped.
        busy_share: share of the time that it may take while scores are asked for.
        quiet_share: the same while nobody asks.
        max_mb_a_day: size of one day's file; more is counted as dropped.
        keep_days: days after which a file is deleted.
    """

    queue: Annotated[int, Field(ge=1, le=1_000_000)] = 2_000
    busy_share: Annotated[float, Field(gt=0, le=0.5)] = 0.005
    quiet_share: Annotated[float, Field(gt=0, le=0.9)] = 0.25
    max_mb_a_day: Annotated[float, Field(gt=0)] = 100.0
    keep_days: Annotated[int, Field(ge=1)] = 60


class FollowPolicy(Declared):
    """How scores follow events.

    Attributes:
        per_second: orders assessed again in a second, at most.
        least_change: a change of p(late) by as much is told, and every change of band.
    """

    per_second: Annotated[int, Field(ge=1, le=100_000)] = 200
    least_change: Annotated[float, Field(gt=0, le=1)] = 0.05


class SuccessionPolicy(Declared):
    """How a running service follows promotions.

    Attributes:
        look_seconds: between two looks at who is named champion and challenger.
        predecessor_minutes: for how long the model before stays loaded, so that a rollback takes
            effect at the next look; later it is loaded anew first.
    """

    look_seconds: Annotated[float, Field(gt=0, le=3600)] = 1.0
    predecessor_minutes: Annotated[float, Field(ge=0)] = 60.0


class ForetellPolicy(Declared):
    """When an order's page says which exception is likely next: from this probability on."""

    exception_from: Annotated[float, Field(gt=0, le=1)] = 0.15


class HoldOutPolicy(Declared):
    """Orders that people are asked to leave alone, so that it can be seen whether answers hold.

    Attributes:
        share: of all orders; 0: none, and answers are held against orders that nobody acted on.
        salt: another one chooses other orders.
    """

    share: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    salt: str = ""

    def holds(self, order_id: str) -> bool:
        """Return whether an order is held out; the same answer every time."""
        if not self.share:
            return False
        digest = hashlib.blake2b(f"{self.salt}\0{order_id}".encode(), digest_size=8).digest()
        return int.from_bytes(digest) < self.share * 2.0**64


class LinksPolicy(Declared):
    """Where people find an order in other systems.

    Attributes:
        order: address of an order's page there, with `{order_id}` in it; None: no link is shown.
    """

    order: str | None = None

    @field_validator("order")
    @classmethod
    def _leads_somewhere(cls, order: str | None) -> str | None:
        if order is None:
            return None
        if not order.startswith(("https://", "http://")) or "{order_id}" not in order:
            raise ValueError("must begin with https:// or http:// and hold {order_id}")
        return order

    def of_order(self, order_id: str) -> str | None:
        """Return the address of an order there; its id is escaped, so that it stays one part."""
        found = self.order
        return None if found is None else found.replace("{order_id}", quote(order_id, safe=""))


class Policy(Declared):
    """Bands, reasons, freshness and work, with the version that every answer names."""

    version: str
    authority: str = "erp"
    bands: dict[str, Annotated[float, Field(ge=0, le=1)]]
    reasons: ReasonPolicy = ReasonPolicy()
    freshness: FreshnessPolicy = FreshnessPolicy()
    abstain: AbstainPolicy = AbstainPolicy()
    shadow: ShadowPolicy = ShadowPolicy()
    follow: FollowPolicy = FollowPolicy()
    succession: SuccessionPolicy = SuccessionPolicy()
    hold_out: HoldOutPolicy = HoldOutPolicy()
    foretell: ForetellPolicy = ForetellPolicy()
    links: LinksPolicy = LinksPolicy()
    work: WorkPolicy = WorkPolicy()

    @field_validator("bands")
    @classmethod
    def _reach_zero(cls, bands: dict[str, float]) -> dict[str, float]:
        if 0.0 not in bands.values():
            raise ValueError("one band must start at 0, so that every order has one")
        return dict(sorted(bands.items(), key=lambda item: -item[1]))

    def band(self, p_late: float) -> str:
        """Return the name of the band that a probability falls into."""
        return next(name for name, start in self.bands.items() if p_late >= start)


def load(configured: Path | None = None) -> Policy:
    """Read the policy of the workspace.

    Raises:
        DeclarationError: naming the field that does not fit.
    """
    return workspace.read(Policy, _FILE, configured)
