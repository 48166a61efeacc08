"""Goods on their way to a site, as known at any moment of the past: when a shortage ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from triage.domain.clock import NEVER, UNKNOWN_TIME
from triage.features.compile import Floats, Ints
from triage.history.tables import History


@dataclass(frozen=True, slots=True)
class Inbound:
    """Deliveries to one site of one product, (n,), those expected first in front.

    Attributes:
        ordered, received: when each became known, UTC micros; NEVER if it is not.
        expected: when each is expected, UTC micros.
        pieces: how many.
    """

    ordered: Ints
    received: Ints
    expected: Ints
    pieces: Floats


@dataclass(frozen=True, slots=True)
class SupplyBook:
    """What is on its way, by site and product."""

    cells: Mapping[tuple[str, str], Inbound]

    @classmethod
    def of(cls, history: History) -> Self:
        """Take the inbound supply of a log; what has no expected day is never counted on."""
        table = history.supplies
        if not len(table):
            return cls({})
        came = table[table["phase"] == "received"].drop_duplicates("supply_id")
        when = dict(zip(came["supply_id"], came["record_time"].tolist(), strict=True))
        made = table[(table["phase"] == "ordered") & (table["expected_by"] != UNKNOWN_TIME)]
        made = made.drop_duplicates("supply_id")
        made = made.assign(received=[when.get(name, NEVER) for name in made["supply_id"]])
        made = made.sort_values("expected_by", kind="stable")
        return cls(
            {
                (str(site), str(sku)): Inbound(
                    own["record_time"].to_numpy(np.int64), own["received"].to_numpy(np.int64),
                    own["expected_by"].to_numpy(np.int64), own["quantity"].to_numpy(np.float64),
                )
                for (site, sku), own in made.groupby(["site", "sku"], sort=False)
            }
        )  # fmt: skip

    @property
    def kept(self) -> bool:
        """Return whether the log knows of any supply."""
        return bool(self.cells)

    def comes(self, site: str, sku: str, missing: float, as_of: int) -> int:
        """Return when so many pieces are expected to have come, by what was known before a moment.

        Args:
            site: where to.
            sku: which product.
            missing: pieces.
            as_of: UTC micros.

        Returns:
            UTC micros, in the past for what is overdue; NEVER if too little is on its way.
        """
        inbound = self.cells.get((site, sku))
        if inbound is None:
            return NEVER
        open_ = np.flatnonzero((inbound.ordered < as_of) & (inbound.received >= as_of))
        enough = np.flatnonzero(np.cumsum(inbound.pieces[open_]) >= missing)
        return int(inbound.expected[open_[enough[0]]]) if len(enough) else NEVER
