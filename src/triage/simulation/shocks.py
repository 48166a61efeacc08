"""The bad weeks of a world: who is hit, when, and how hard. Drawn from the seed, and written down.

Each shock belongs to one cause, and goes with it when the cause is taken out of the world.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from triage.simulation.calendar import DAY, HOUR, Ints
from triage.simulation.draws import Floats, stream
from triage.simulation.world import World


class Shock(NamedTuple):
    """Some bad days: what is hit, whom (a number, or -1 for all), first and last day, the factor.

    Kinds: `labour` (picking pace at a site), `carrier` (time in transit of a carrier), `weather`
    (time in transit to a state), `supplier` (lead time of a supplier), `desk` (pace of the office),
    `demand` (orders a day), `outage` (minutes for which an interface stands still).
    """

    kind: str
    whom: int
    first: int
    last: int
    factor: float


@dataclass(frozen=True, slots=True)
class Shocks:
    """All shocks, and what they do by day.

    Attributes:
        listed: the shocks, by first day.
        labour: (days, sites) factor on the picking pace.
        transit: (days, carriers) factor on the time in transit.
        weather: (days, towns) factor on the time in transit.
        lead: (days, suppliers) factor on lead times.
        desk: (days,) factor on the pace of the office.
        demand: (days,) factor on the number of orders.
        outages: (outages, 3) interface (0 order entry, 1 warehouse), first and last minute.
    """

    listed: tuple[Shock, ...]
    labour: Floats
    transit: Floats
    weather: Floats
    lead: Floats
    desk: Floats
    demand: Floats
    outages: Ints


_RATES = (
    # kind, shocks a year per candidate, days (low, high), factor (low, high)
    ("labour", 1.7, (8, 24), (0.5, 0.78)),
    ("carrier", 1.2, (14, 40), (1.3, 1.9)),
    ("weather", 1.3, (2, 9), (1.4, 2.1)),
    ("supplier", 0.7, (20, 45), (1.6, 2.8)),
    ("desk", 2.5, (4, 12), (0.45, 0.75)),
    ("demand", 1.5, (5, 14), (1.15, 1.3)),
)
_OUTAGES_A_YEAR = 9  # of each interface
_OUTAGE_LASTS = np.array([150, 300, 600, 1500])  # minutes
_OUTAGE_CHANCES = np.array([0.35, 0.35, 0.2, 0.1])


def draw(world: World) -> Shocks:
    """Draw the bad weeks of a world; the season before the holidays is busy in every one."""
    return _by_day(world, *_drawn(world, stream(world.seed, "shocks"), 0))


def redraw(world: World, shocks: Shocks, until: int, rng: np.random.Generator) -> Shocks:
    """Return shocks as they may go on when a world is known up to a minute.

    What had begun before it stays; how long it lasts is drawn anew, given that it has lasted so
    long. What begins later is drawn anew. Busy weeks stay, since the orders do.

    Args:
        world: the distributor.
        shocks: what really happened to it.
        until: the first minute that is not known; the shocks of a day begin with it.
        rng: where the future comes from.
    """
    day = (until - 1) // DAY
    longest = {kind: days for kind, _, days, _ in _RATES}
    known = []
    for shock in shocks.listed:
        goes_on = shock.first <= day <= shock.last and shock.kind not in ("demand", "outage")
        if goes_on:
            low, high = longest[shock.kind]
            lasts = int(rng.integers(max(low, day - shock.first), high + 1))
            known.append(shock._replace(last=shock.first + lasts))
        elif shock.kind == "demand" or (shock.first <= day and shock.kind != "outage"):
            known.append(shock)
    begun = [
        (which, first, last if last < until else first + _lasts(until - first, rng))
        for which, first, last in shocks.outages.tolist()
        if first < until
    ]
    listed, outages = _drawn(world, rng, until // DAY)
    known += [each for each in listed if each.first > day and each.kind != "demand"]
    begun += [outage for outage in outages if outage[1] >= until]
    return _by_day(world, known, begun)


def _lasts(so_far: int, rng: np.random.Generator) -> int:
    """Return how many minutes an outage lasts that has lasted so long."""
    chances = np.where(so_far <= _OUTAGE_LASTS, _OUTAGE_CHANCES, 0.0)
    return int(rng.choice(_OUTAGE_LASTS, p=chances / chances.sum()))


def _candidates(world: World) -> dict[str, int]:
    return {
        "labour": len(world.sites.code),
        "carrier": len(world.carriers.code),
        "weather": len(set(world.towns.state)),
        "supplier": len(world.suppliers.code),
        "desk": 1,
        "demand": 1,
    }


def _drawn(
    world: World, rng: np.random.Generator, since: int
) -> tuple[list[Shock], list[tuple[int, int, int]]]:
    """Return the shocks that begin from a day on, and outages as interface, first, last minute."""
    days = world.calendar.days + 1
    listed: list[Shock] = []
    outages: list[tuple[int, int, int]] = []
    if since >= days:
        return listed, outages
    for kind, rate, (shortest, longest), (mild, severe) in _RATES:
        for whom in range(_candidates(world)[kind]):
            for _ in range(int(rng.poisson(rate * (days - since) / 365))):
                first = int(rng.integers(since, days))
                last = first + int(rng.integers(shortest, longest + 1))
                listed.append(Shock(kind, whom, first, last, round(rng.uniform(mild, severe), 2)))
    for interface in (0, 1):
        for _ in range(int(rng.poisson(_OUTAGES_A_YEAR * (days - since) / 365))):
            first = int(rng.integers(since, days)) * DAY + int(rng.integers(6, 18)) * HOUR
            outages.append((interface, first, first + _lasts(0, rng)))
    return listed, outages


def _by_day(world: World, listed: list[Shock], outages: list[tuple[int, int, int]]) -> Shocks:
    span = world.calendar.days + 401
    states = sorted(set(world.towns.state))
    listed = listed + [
        Shock("outage", which, first // DAY, last // DAY, last - first)
        for which, first, last in outages
    ]
    listed.sort(key=lambda shock: (shock.first, shock.kind, shock.whom))
    tables = {kind: np.ones((span, size)) for kind, size in _candidates(world).items()}
    for shock in listed:
        if shock.kind != "outage":
            tables[shock.kind][shock.first : shock.last + 1, shock.whom] *= shock.factor
    place = np.array([states.index(state) for state in world.towns.state])
    busy = np.clip(tables["demand"][:, 0], 1.0, 1.4) * _season(world, span)
    return Shocks(
        tuple(listed), tables["labour"], tables["carrier"], tables["weather"][:, place],
        np.minimum(tables["supplier"], 3.0), np.maximum(tables["desk"][:, 0], 0.4), busy,
        np.array(sorted(outages), dtype=np.int64).reshape(-1, 3),
    )  # fmt: skip


def _season(world: World, span: int) -> Floats:
    """Return the usual course of a year: slow in January and July, busy before the holidays."""
    dates = world.calendar.date(np.arange(span))
    month = dates.astype("datetime64[M]").astype(np.int64) % 12
    in_month = (dates - dates.astype("datetime64[M]")).astype(np.int64)
    usual = np.array([0.9, 0.96, 1.0, 1.02, 1.03, 1.0, 0.9, 0.98, 1.04, 1.04, 1.12, 1.08])[month]
    peak = ((month == 10) & (in_month >= 9)) | ((month == 11) & (in_month <= 17))
    season: Floats = np.where(peak, usual * 1.14, usual)
    return season
