"""What customers order: every order of a world with all of its luck, before anything happens."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum, auto

import numpy as np
import numpy.typing as npt

from triage.simulation import prices
from triage.simulation.calendar import DAY, HOUR, NEVER, Ints
from triage.simulation.draws import Floats, stream
from triage.simulation.prices import Prices
from triage.simulation.shocks import Shocks
from triage.simulation.world import EXPRESS, FREIGHT, GROUND, World

HANDLING_DAYS = np.array([1, 0, 2])
"""Working days that the order desk allows for picking, by service."""
FREIGHT_KG = 68.0
EDI, ECOMMERCE, PORTAL, FIELD_SALES, SERVICE_DESK, MARKETPLACE = range(6)


class Luck(IntEnum):
    """Columns of an order's uniform random numbers; one for each thing that can happen to it."""

    ENTRY_FAILS = 0
    ENTRY_REPAIR = auto()
    ENTRY_LAG = auto()
    CREDIT = auto()
    CREDIT_ANSWER = auto()
    DATA = auto()
    DATA_ANSWER = auto()
    PRICE_CHECK = auto()
    DESK_WORK = auto()
    DESK_RECORDED = auto()
    CHANGE = auto()
    CHANGE_AT = auto()
    CHANGE_TAKES = auto()
    REGRET = auto()
    REGRET_AT = auto()
    RELEASE_FAILS = auto()
    RELEASE_REPAIR = auto()
    PARTIAL = auto()
    RECOUNT = auto()
    TAIL = auto()
    TAIL_SIZE = auto()
    DAMAGE = auto()
    DAMAGE_TAKES = auto()
    ARRIVES = auto()
    CONFIRMED = auto()
    FILE_LATE = auto()
    FILE_DAYS = auto()
    TWICE = auto()
    INVOICE = auto()
    INVOICE_AT = auto()
    ADOPTED = auto()
    NOTICED = auto()


@dataclass(frozen=True, slots=True)
class Lines:
    """All order lines, those of an order together.

    Attributes:
        order, sku, quantity: (m,) numbers and pieces.
        phantom: (m,) uniform: whether the stock that the system shows is not on the shelf.
        prices: what they cost.
    """

    order: Ints
    sku: Ints
    quantity: Ints
    phantom: Floats
    prices: Prices


@dataclass(frozen=True, slots=True)
class Orders:
    """All orders of a world in the sequence of `created`; n of them.

    Attributes:
        created: when the customer placed it.
        customer, channel, site, service, carrier: numbers in the world's tables.
        not_before: earliest minute at which it may be allocated (orders for a later day).
        ship_by, promised: working days by whose end it should leave, and arrive.
        first_line, lines: its lines.
        weight_kg, value, cost: of all lines; USD at the right prices.
        regulated: whether a line is dangerous goods.
        penalty: share of the value owed for each day late.
        priority: 0 is picked first.
        luck: (n, len(Luck)) uniform numbers.
        drift: (n,) standard normal: time in transit.
        own: the lines.
    """

    created: Ints
    customer: Ints
    channel: Ints
    site: Ints
    service: Ints
    carrier: Ints
    not_before: Ints
    ship_by: Ints
    promised: Ints
    first_line: Ints
    lines: Ints
    weight_kg: Floats
    value: Floats
    cost: Floats
    regulated: npt.NDArray[np.bool_]
    penalty: Floats
    priority: Ints
    luck: npt.NDArray[np.float32]
    drift: npt.NDArray[np.float32]
    own: Lines

    def __len__(self) -> int:
        return len(self.created)

    @property
    def late_from(self) -> Ints:
        """Return the first minute at which each order is late: the end of the promised day."""
        return (self.promised + 1) * DAY

    @property
    def changes_at(self) -> Ints:
        """Return when the customer changes the order; NEVER for most."""
        return np.where(self._chance(Luck.CHANGE) < 0.035, self._soon(Luck.CHANGE_AT, 30), NEVER)

    @property
    def change_takes(self) -> Ints:
        """Return for how many minutes a change keeps the order from the floor."""
        return (2 * HOUR + self._chance(Luck.CHANGE_TAKES) ** 2 * 44 * HOUR).astype(np.int64)

    @property
    def gives_up(self) -> Ints:
        """Return when the customer cancels; NEVER for most."""
        return np.where(self._chance(Luck.REGRET) < 0.022, self._soon(Luck.REGRET_AT, 60), NEVER)

    def without_luck(self) -> Orders:
        """Return the orders as a company knows them: no luck, prices only as they were entered."""
        prices, none = self.own.prices, np.zeros((0, 0), dtype=np.float32)
        unknown = np.zeros_like(prices.error)
        entered = replace(prices, right=prices.entered, error=unknown, basis=unknown)
        own = replace(self.own, phantom=np.zeros(0), prices=entered)
        return replace(self, luck=none, drift=none[:, 0:0].reshape(-1), own=own)

    def _chance(self, column: Luck) -> npt.NDArray[np.float32]:
        return self.luck[:, column]

    def _soon(self, column: Luck, hours: float) -> Ints:
        """Return a moment soon after the order, exponential with a mean in hours."""
        wait = -np.log1p(-self._chance(column).astype(np.float64)) * hours * HOUR
        return self.created + 90 + wait.astype(np.int64)


def draw(world: World, shocks: Shocks, count: int) -> Orders:
    """Draw `count` orders over the days of a world."""
    rng = stream(world.seed, "orders")
    customers = world.customers
    created = _moments(world, shocks, rng, count)
    customer = rng.choice(len(customers.code), size=count, p=customers.share)
    channel = _pick(rng.random(count), customers.channel[customer])
    site = _sites(world, rng, customer)
    lines_of, sku, quantity = _lines(world, rng, site, customer)
    lines = np.bincount(lines_of, minlength=count)
    weight = _sum(lines_of, world.skus.weight_kg[sku] * quantity, count)
    regulated = np.bincount(lines_of, world.skus.regulated[sku], count) > 0
    service = np.where(
        weight > FREIGHT_KG, FREIGHT,
        np.where((rng.random(count) < 0.2) & ~regulated, EXPRESS, GROUND),
    )  # fmt: skip
    carrier = _carriers(world, rng, customer, service)
    day = created // DAY
    calendar = world.calendar
    late_in_day = (created - day * DAY >= world.sites.cut_off[site]) & calendar.is_workday(day)
    first_day = calendar.ahead(day + late_in_day, 0)
    ahead = np.where(rng.random(count) < 0.22, rng.integers(5, 26, count), 0)
    ahead[service == EXPRESS] //= 3
    ship_by = calendar.ahead(first_day, HANDLING_DAYS[service] + ahead)
    transit = world.lane_days[site, customers.town[customer], service]
    promised = calendar.ahead(ship_by, transit + customers.buffer[customer])
    own = Lines(
        lines_of, sku, quantity, rng.random(len(sku)),
        prices.draw(world, day[lines_of], customer[lines_of], channel[lines_of], sku, quantity),
    )  # fmt: skip
    value = _sum(lines_of, own.prices.right * quantity, count)
    luck = stream(world.seed, "luck").random((count, len(Luck)), dtype=np.float32)
    return Orders(
        created, customer, channel, site, service, carrier,
        np.where(ahead > 0, calendar.ahead(first_day, ahead) * DAY, 0),
        ship_by, promised, np.cumsum(lines) - lines, lines, weight, np.round(value, 2),
        _sum(lines_of, world.skus.unit_cost[sku] * quantity, count), regulated,
        customers.penalty[customer],
        np.where((service == EXPRESS) | (customers.tier[customer] == 0), 0, 1), luck,
        stream(world.seed, "drift").standard_normal(count, dtype=np.float32), own,
    )  # fmt: skip


def _sum(group: Ints, values: Floats, groups: int) -> Floats:
    return np.bincount(group, values, groups).astype(np.float64)


def _moments(world: World, shocks: Shocks, rng: np.random.Generator, count: int) -> Ints:
    days = np.arange(world.calendar.days)
    weight = np.array([1.2, 1.08, 1.0, 0.98, 0.86, 0.14, 0.1])[days % 7] * shocks.demand[days]
    weight[~world.calendar.is_workday(days) & (days % 7 < 5)] *= 0.25
    weight *= np.exp(0.08 * rng.standard_normal(len(days)))
    day = rng.choice(len(days), size=count, p=weight / weight.sum())
    minute = np.clip(12.3 * HOUR + 2.8 * HOUR * rng.standard_normal(count), 300, 1320)
    return np.sort(day * DAY + minute.astype(np.int64))


def _pick(luck: Floats, weight: Floats) -> Ints:
    """Return, for each row of weights, the column in which the row's uniform number falls."""
    edges = np.cumsum(weight, axis=1)
    return np.minimum((luck[:, None] * edges[:, -1:] > edges).sum(axis=1), weight.shape[1] - 1)


def _sites(world: World, rng: np.random.Generator, customer: Ints) -> Ints:
    """Return the site of each order: mostly the nearest, now and then the second or the 3PL."""
    near = np.argsort(world.miles, axis=0, kind="stable")[:, world.customers.town[customer]]
    place = np.searchsorted(np.array([0.74, 0.93, 0.98]), rng.random(len(customer)), side="right")
    return near[place, np.arange(len(customer))].astype(np.int64)


def _lines(
    world: World, rng: np.random.Generator, site: Ints, customer: Ints
) -> tuple[Ints, Ints, Ints]:
    """Return order, item and pieces of each line; no item twice in an order."""
    wanted = np.minimum(1 + rng.negative_binomial(0.9, 0.38, len(site)), 14)
    order = np.repeat(np.arange(len(site)), wanted)
    luck = rng.random(len(order))
    sku = np.zeros(len(order), dtype=np.int64)
    for place in range(len(world.sites.code)):
        kept = np.flatnonzero(world.skus.stocked[:, place])
        edges = np.cumsum(world.skus.popularity[kept])
        chosen = np.flatnonzero(site[order] == place)
        sku[chosen] = kept[np.searchsorted(edges / edges[-1], luck[chosen], side="right")]
    tier = world.customers.tier[customer][order]
    pieces = (
        np.exp(np.array([1.7, 1.15, 0.6])[tier] + 1.0 * rng.standard_normal(len(order)))
        * np.clip(25.0 / world.skus.list_price[sku], 0.15, 6.0) ** 0.35
    )
    quantity = np.clip(np.ceil(pieces), 1, 2_000).astype(np.int64)
    in_cases = (rng.random(len(order)) < 0.35) & (quantity > world.skus.pack[sku] // 2)
    cases = np.maximum(1, np.round(quantity / world.skus.pack[sku])).astype(np.int64)
    quantity = np.where(in_cases, cases * world.skus.pack[sku], quantity)
    _, first = np.unique(order * len(world.skus.code) + sku, return_index=True)
    kept = np.sort(first)
    return order[kept], sku[kept], quantity[kept]


def _carriers(world: World, rng: np.random.Generator, customer: Ints, service: Ints) -> Ints:
    """Return who carries: the customer's usual or second choice, or one that sells the service."""
    usual = world.customers.carriers[customer, (rng.random(len(customer)) < 0.25).astype(np.int64)]
    luck = rng.random(len(customer))
    town = world.customers.town[customer]
    serves = world.serves()
    chosen = usual.copy()
    for kind in (EXPRESS, FREIGHT):
        able = (serves & world.carriers.services[:, [kind]]).T.astype(np.float64)
        other = _pick(luck, able[town])
        wrong = (service == kind) & ~world.carriers.services[usual, kind]
        chosen = np.where(wrong, other, chosen)
    return chosen.astype(np.int64)
