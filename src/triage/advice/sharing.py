"""Several orders that want the same stock: who gets which way, solved together.

Choose for each order at most one way so that what is saved is largest, and neither stock nor
people's minutes are used twice: a generalised assignment problem, solved exactly by
`scipy.optimize.milp` (HiGHS).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from triage.errors import TriageError

Cell = tuple[str, str]
"""Site and product."""
_SECONDS = 2.0


class SharingError(TriageError):
    """The solver found no way to share stock."""

    status = 500
    slug = "sharing"


@dataclass(frozen=True, slots=True)
class Claim:
    """One way of one order: what it saves, minutes that it takes, pieces that it wants by cell."""

    order_id: str
    saves: float
    minutes: float
    wants: Mapping[Cell, float]


def shared_out(
    claims: Sequence[Claim], stock: Mapping[Cell, float], minutes: float
) -> tuple[bool, ...]:
    """Return which claims are granted.

    Args:
        claims: ways that are worth something; several may be of one order.
        stock: free pieces by cell; a cell that is not in it has none.
        minutes: of all people together.

    Raises:
        SharingError: if the solver gives up.
    """
    if not claims:
        return ()
    from scipy.optimize import Bounds, LinearConstraint, milp  # noqa: PLC0415 - after the start
    from scipy.sparse import csr_array  # noqa: PLC0415

    orders = {each: at for at, each in enumerate(dict.fromkeys(c.order_id for c in claims))}
    cells = {each: at for at, each in enumerate(dict.fromkeys(k for c in claims for k in c.wants))}
    rows, columns, values = [], [], []
    for at, claim in enumerate(claims):
        entries = [(orders[claim.order_id], 1.0), (len(orders), claim.minutes)]
        entries += [(len(orders) + 1 + cells[cell], n) for cell, n in claim.wants.items()]
        for row, value in entries:
            rows.append(row)
            columns.append(at)
            values.append(value)
    most = [1.0] * len(orders) + [minutes] + [max(stock.get(cell, 0.0), 0.0) for cell in cells]
    matrix = csr_array((values, (rows, columns)), shape=(len(most), len(claims)))
    found = milp(
        -np.array([claim.saves for claim in claims]),
        integrality=np.ones(len(claims), dtype=np.int64),
        bounds=Bounds(0.0, 1.0),
        constraints=LinearConstraint(matrix, ub=np.array(most)),
        options={"time_limit": _SECONDS, "mip_rel_gap": 1e-6},
    )
    if found.x is None:
        raise SharingError(
            f"stock cannot be shared out among {len(orders)} orders: {found.message}"
        )
    return tuple(bool(each) for each in np.round(found.x))
