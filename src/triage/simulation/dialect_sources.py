"""Which system hears of an exception, how late, and under which code it files it.

Codes are coarse and older than the processes: the ERP blocks orders under one number whatever the
reason, the floor knows one key for whatever does not match, people write none.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from triage.simulation.calendar import DAY, HOUR, Ints
from triage.simulation.dialect_grammar import Dice
from triage.simulation.draws import Floats
from triage.simulation.world import World

SOURCES = ("edi_gateway", "erp", "wms", "tms", "carrier", "mail", "storefront", "third_party")
EDI_GATEWAY, ERP, WMS, TMS, CARRIER, MAIL, STOREFRONT, THIRD_PARTY = range(8)
_SOLD_BY = np.array([EDI_GATEWAY, STOREFRONT, STOREFRONT, -1, -1, STOREFRONT])
"""By channel: the interface through which its orders come, -1 if people enter them."""

_HEARD = np.array(
    [
        # EDI, ERP, WMS, TMS, carrier, mail, storefront, 3PL; rows as exceptions.KINDS
        [0.50, 0.34, 0.00, 0.00, 0.00, 0.28, 0.40, 0.00],
        [0.50, 0.26, 0.00, 0.00, 0.00, 0.36, 0.45, 0.00],
        [0.15, 0.28, 0.06, 0.22, 0.10, 0.26, 0.20, 0.04],
        [0.06, 0.66, 0.00, 0.00, 0.00, 0.28, 0.06, 0.00],
        [0.40, 0.44, 0.00, 0.00, 0.00, 0.30, 0.30, 0.00],
        [0.20, 0.50, 0.12, 0.00, 0.00, 0.22, 0.14, 0.30],
        [0.00, 0.28, 0.50, 0.00, 0.00, 0.22, 0.00, 0.50],
        [0.00, 0.10, 0.70, 0.00, 0.00, 0.20, 0.00, 0.70],
        [0.00, 0.00, 0.00, 0.36, 0.38, 0.26, 0.00, 0.00],
        [0.00, 0.00, 0.00, 0.18, 0.52, 0.30, 0.00, 0.00],
        [0.40, 0.30, 0.16, 0.08, 0.02, 0.20, 0.40, 0.15],
        [0.35, 0.40, 0.00, 0.06, 0.00, 0.38, 0.10, 0.00],
        [0.35, 0.12, 0.08, 0.04, 0.02, 0.55, 0.25, 0.08],
    ]
)

_CODES = {
    EDI_GATEWAY: """
        capture 824*8 855*1 997*1 | dup 997*6 824*4 | addr 824*7 850*3 | credit 855*1
        price 855*5 824*5 | short 855*8 870*2 | integ 997*9 824*1 | inv 824*4 812*4 820*2
        change 860*6 855*4""",
    ERP: """
        capture S-210*3 V1-302*7 | dup V4-115*6 S-210*2 V1-302*2 | addr V1-302*5 ADR-07*3 S-210*2
        credit S-210*8 FI-088*2 | price S-210*5 CND-20*4 V1-302*1 | short A-540*9 A-544*1
        alloc A-540*3 A-544*7 | pick A-544*4 L-009*6 | integ IF-51*8 V1-302*1 A-544*1
        inv B-701*8 CND-20*2 | change C-118*5 S-210*2 A-540*3""",
    WMS: """
        addr E41*7 E99*3 | short E09*8 E17*2 | alloc E17*4 E22*6 | pick E17*8 E09*2
        integ IF02*6 E99*3 E22*1 | change E30*6 E99*4""",
    TMS: """
        addr TM-RT*6 TM-EX*4 | delay TM-X3*6 TM-EX*4 | damage TM-EX*5 TM-OSD*5
        integ TM-IF*6 TM-X3*4 | inv TM-FB*1 | change TM-EX*1""",
    CARRIER: """
        addr X9*6 A7*4 | delay X6*6 S1*4 | damage X6*5 A7*2 X9*3 | integ ZZ*1 | change A7*6 X6*4""",
    STOREFRONT: """
        capture 422*6 900*4 | dup 409*6 900*4 | addr 900*6 422*4 | credit 402*6 900*4
        price 900*5 P-10*5 | short OOS*7 900*3 | integ 500*6 422*2 409*2 | inv P-10*1
        change 900*6 MSG*4""",
    THIRD_PARTY: """
        addr T9*1 | short SH*6 HD*4 | alloc SH*4 HD*6 | pick SH*8 HD*2 | integ T1*5 HD*5
        change HD*1""",
}  # fmt: skip


def _expand(table: str) -> dict[str, tuple[str, ...]]:
    rows = [row.split() for part in table.strip().splitlines() for row in part.split("|")]
    found = {}
    for kind, *codes in rows:
        pairs = [entry.split("*") for entry in codes]
        found[kind] = tuple(code for code, times in pairs for _ in range(int(times)))
    return found


_BY_KIND = {source: _expand(table) for source, table in _CODES.items()}
_ALL = {source: tuple(c for codes in by.values() for c in codes) for source, by in _BY_KIND.items()}
_MISFILED = 0.02


def code(source: int, kind: str, dice: Dice) -> str:
    """Return the code under which a source files a kind; now and then just any of its codes."""
    if source == MAIL:
        return ""
    return dice.pick(_ALL[source] if dice.chance(_MISFILED) else _BY_KIND[source][kind])


def heard_by(channel: Ints, third_party: npt.NDArray[np.bool_], kind: Ints, luck: Floats) -> Ints:
    """Return which source reports each exception.

    Args:
        channel: sales channel of the order.
        third_party: whether a 3PL ships it.
        kind: numbers in KINDS.
        luck: uniform numbers.
    """
    weight = _HEARD[kind]
    for interface in (EDI_GATEWAY, STOREFRONT):
        weight[_SOLD_BY[channel] != interface, interface] = 0.0
    weight[~third_party, THIRD_PARTY] = 0.0
    weight[third_party, WMS] = 0.0
    edges = np.cumsum(weight, axis=1)
    return np.asarray((luck[:, None] * edges[:, -1:] > edges).sum(axis=1), dtype=np.int64)


def hears_at(
    world: World, source: Ints, site: Ints, carrier: Ints, minute: Ints, luck: Floats
) -> Ints:
    """Return when the records show what happened at a minute; never before it.

    The gateway works in batches of a quarter hour, storefronts are polled each hour, half of what a
    carrier knows comes with its file at night, a 3PL reports next morning, people in office hours.
    The clock of a warehouse may be behind or ahead.
    """
    next_day = (minute // DAY + 1) * DAY
    floor = minute + 2 + (18 * luck).astype(np.int64) + world.sites.clock_minutes[site]
    nightly = next_day + world.carriers.file_minute[carrier]
    heard = np.choose(
        source,
        [
            minute - minute % 15 + 16,
            minute + (3 * luck).astype(np.int64),
            floor,
            minute + 5 + (85 * luck).astype(np.int64),
            np.where(luck < 0.5, nightly, minute + 20 + (60 * luck).astype(np.int64)),
            world.calendar.after(minute, (5 * HOUR * luck * luck).astype(np.int64) + 4),
            minute - minute % HOUR + HOUR + 4,
            next_day + world.sites.sync_minute[site] % DAY,
        ],
    )
    return np.maximum(heard, minute)
