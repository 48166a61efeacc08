"""What happens to an order: credit desk, stock, pick queue, carrier. One pass over the days.

Nothing that decides lateness is drawn with the promise: the promise comes from the static lookup,
the lateness from the queue in front of the order, held credit, empty shelves and slow carriers.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator

from triage.simulation.distributor import (
    CARRIERS,
    CHANNELS,
    DAY,
    DAYS,
    SERVICES,
    SITES,
    Customer,
    customers,
    demand,
    items,
    lane_days,
    pace,
    workday,
)

HANDLING_DAYS = {"Ground": 2, "Express": 1}
CUT_OFF = 14 * 60
WAVES = ((8 * 60 + 30, 11 * 60 + 30), (11 * 60 + 30, 14 * 60 + 30), (14 * 60 + 30, 17 * 60 + 30))
"""Release of work to the floor, and the end of the work released: three waves a working day."""
SPARE_CAPACITY = 1.13
"""Lines that a site can pick on an ordinary working day, over the lines that it gets."""
_LATER = 10**9


@dataclass(slots=True)
class Sale:
    """An order on its way; times in minutes since the start, absent while they have not come."""

    number: int
    customer: Customer
    channel: str
    site: str
    service: str
    carrier: str
    created: int
    entered: int
    not_before: int
    ship_by: int
    promised: int
    lines: list[tuple[int, int, float]]
    gives_up: int
    times: dict[str, int] = field(default_factory=dict)
    recorded: dict[str, int] = field(default_factory=dict)

    def note(self, milestone: str, time: int, recorded: int | None = None) -> None:
        """Write down what happened, and when the system heard of it (at once unless given)."""
        self.times[milestone] = time
        self.recorded[milestone] = time if recorded is None else recorded


@dataclass(slots=True)
class Shelf:
    """Stock of one item at one site: what is there, promised away, on its way, and the target."""

    target: int
    on_hand: int
    allocated: int = 0
    wanted: int = 0
    inbound: list[tuple[int, int]] = field(default_factory=list)


class Distributor:
    """The state of the business while the days pass."""

    def __init__(self, seed: int, orders: int) -> None:
        self.rng: Generator = np.random.default_rng(seed)
        self.customers = customers(self.rng)
        self.items = items(self.rng)
        self.stocked = {s: [i for i, t in enumerate(self.items) if s in t.sites] for s in SITES}
        self.sales = self._sales(orders)
        self.shelves = self._shelves()
        lines = {s: sum(len(o.lines) for o in self.sales if o.site == s) for s in SITES}
        a_day = SPARE_CAPACITY / (DAYS * 5 / 7)
        self.daily_lines = {site: max(1.0, count * a_day) for site, count in lines.items()}
        self.held: deque[Sale] = deque()
        self.waiting: dict[str, list[Sale]] = {s: [] for s in SITES}
        self.queue: dict[str, list[Sale]] = {s: [] for s in SITES}
        self.free_at = dict.fromkeys(SITES, 0)
        self.counts: list[tuple[int, str, int, int, int, int]] = []

    def run(self) -> None:
        """Let the days pass: receive, check credit, allocate, pick, hand over, count stock."""
        arriving = deque(sorted(self.sales, key=lambda s: s.entered))
        for day in range(DAYS):
            if workday(day) == day:
                self._receive(day)
                self._credit_desk(day)
                for start, end in WAVES:
                    self._enter(arriving, day * DAY + start)
                    for site in SITES:
                        self._release(site, day * DAY + start)
                        self._pick(site, day * DAY + start, day * DAY + end)
                self._reorder(day)
            self._enter(arriving, (day + 1) * DAY)
            self._count_stock(day)

    # --- the order desk -------------------------------------------------------------------------

    def _sales(self, count: int) -> list[Sale]:
        days = np.array([demand(d) for d in range(DAYS)])
        days *= np.exp(0.1 * self.rng.standard_normal(DAYS))
        drawn = np.sort(self.rng.choice(DAYS, size=count, p=days / days.sum()))
        hour = np.clip(12.2 + 2.7 * self.rng.standard_normal(count), 6, 20)
        created = np.sort(drawn * DAY + np.floor(hour * 60).astype(int))
        shares = np.array([c.share for c in self.customers])
        who = self.rng.choice(len(self.customers), size=count, p=shares / shares.sum())
        popularity = {s: self._popularity(s) for s in SITES}
        return [
            self._sale(n, self.customers[c], int(t), popularity)
            for n, (c, t) in enumerate(zip(who, created, strict=True))
        ]

    def _popularity(self, site: str) -> np.ndarray:
        share = np.array([self.items[i].share for i in self.stocked[site]])
        return share / share.sum()

    def _sale(self, n: int, who: Customer, created: int, popularity: dict[str, np.ndarray]) -> Sale:
        rng = self.rng
        weekend = created // DAY % 7 >= 5
        mix = [0.2, 0.6, 0.2, 0.0, 0.0] if weekend else [0.36, 0.22, 0.2, 0.12, 0.1]
        channel = CHANNELS[int(rng.choice(len(CHANNELS), p=mix))]
        near = sorted(SITES, key=lambda s: lane_days(s, who.town, "Ground"))
        site = near[0] if rng.random() < 0.75 else near[1]
        service = SERVICES[int(rng.random() < 0.22)]
        carrier = who.carriers[int(rng.random() < 0.3)]
        lines = self._lines(who, site, popularity[site])
        ahead = int(rng.integers(5, 26)) if rng.random() < 0.26 else 0
        first_day = workday(created // DAY + (created % DAY >= CUT_OFF))
        ship_by = workday(first_day, HANDLING_DAYS[service] + ahead)
        entered = created + (int(30 + 200 * rng.random()) if channel == "Field sales" else 0)
        regret = workday(created // DAY, int(rng.exponential(2.0))) * DAY
        regret = max(entered + 60, regret + int(rng.integers(9 * 60, 17 * 60)))
        return Sale(
            number=n,
            customer=who,
            channel=channel,
            site=site,
            service=service,
            carrier=carrier,
            created=created,
            entered=entered,
            not_before=workday(first_day, ahead) * DAY if ahead else created,
            ship_by=ship_by,
            promised=workday(ship_by, lane_days(site, who.town, service) + who.buffer),
            lines=lines,
            gives_up=regret if rng.random() < 0.025 else _LATER,
        )

    def _lines(
        self, who: Customer, site: str, popularity: np.ndarray
    ) -> list[tuple[int, int, float]]:
        """Draw items, quantities and unit prices; large customers buy more, for less."""
        rng, stocked = self.rng, self.stocked[site]
        size = min(5, 1 + int(rng.poisson(1.3)))
        picked = [int(i) for i in rng.choice(stocked, size=size, replace=False, p=popularity)]
        bulk, off = {"Key": (1.9, 0.82), "Standard": (1.4, 0.9), "Small": (0.8, 1.0)}[who.tier]
        quantities = 1 + np.exp(bulk + 1.05 * rng.standard_normal(size)).astype(int)
        return [
            (item, int(quantity), round(self.items[item].list_price * off, 2))
            for item, quantity in zip(picked, quantities, strict=True)
        ]

    def _enter(self, arriving: deque[Sale], now: int) -> None:
        while arriving and arriving[0].entered <= now:
            sale = arriving.popleft()
            value = sum(quantity * price for _, quantity, price in sale.lines)
            risk = sale.customer.credit_risk + (0.10 if value > 5_000 else 0.0)
            if self.rng.random() < risk:
                self.held.append(sale)
            else:
                sale.note("CREDIT_OK", sale.entered + int(self.rng.integers(1, 20)))
                self.waiting[sale.site].append(sale)

    def _credit_desk(self, day: int) -> None:
        reviews = max(1, round(len(self.sales) / 1000 * pace("credit", "desk", day)))
        for _ in range(min(reviews, len(self.held))):
            sale, now = self.held.popleft(), day * DAY + int(self.rng.integers(8 * 60, 16 * 60))
            if sale.gives_up <= now:
                sale.note("CANCEL", sale.gives_up)
            elif self.rng.random() < 0.4:
                self.held.append(sale)
            else:
                slow = int(self.rng.random() < 0.15) * int(self.rng.integers(120, 2000))
                sale.note("CREDIT_OK", now, now + slow)
                self.waiting[sale.site].append(sale)

    # --- the warehouse --------------------------------------------------------------------------

    def _release(self, site: str, now: int) -> None:
        still = []
        for sale in sorted(self.waiting[site], key=lambda s: (s.times["CREDIT_OK"], s.number)):
            shelves = [(self.shelves[item, site], quantity) for item, quantity, _ in sale.lines]
            if sale.gives_up <= now:
                sale.note("CANCEL", sale.gives_up)
            elif max(sale.times["CREDIT_OK"], sale.not_before) >= now or any(
                shelf.on_hand - shelf.allocated < quantity for shelf, quantity in shelves
            ):
                still.append(sale)
            else:
                for shelf, quantity in shelves:
                    shelf.allocated += quantity
                sale.note("PICK_REL", now)
                self.queue[site].append(sale)
        self.waiting[site] = still

    def _pick(self, site: str, start: int, end: int) -> None:
        a_line = 9 * 60 / (self.daily_lines[site] * pace("labour", site, start // DAY))
        self.queue[site].sort(key=lambda s: (s.service != "Express", s.times["PICK_REL"], s.number))
        clock = float(start)
        while self.queue[site] and clock < end:
            sale = self.queue[site].pop(0)
            gone = sale.gives_up <= clock
            for item, quantity, _ in sale.lines:
                self.shelves[item, site].allocated -= quantity
                self.shelves[item, site].on_hand -= 0 if gone else quantity
            if gone:
                sale.note("CANCEL", sale.gives_up)
                continue
            clock += a_line * len(sale.lines)
            packed = int(clock) + int(self.rng.integers(10, 45))
            # Atlanta's handhelds send their confirmations in the evening, the others at once.
            sale.note("SHIP_CONF", packed, packed // DAY * DAY + 1290 if site == "ATL" else packed)
            self._carry(sale, packed)

    def _carry(self, sale: Sale, packed: int) -> None:
        rng, day, state = self.rng, packed // DAY, sale.customer.town.state
        usual = lane_days(sale.site, sale.customer.town, sale.service) * CARRIERS[sale.carrier]
        slow = pace("carrier", sale.carrier, day) * pace("weather", state, day)
        days = max(1, round(0.94 * usual * slow * float(np.exp(0.17 * rng.standard_normal()))))
        at = workday(day, days) * DAY + int(rng.integers(8 * 60 + 30, 17 * 60 + 30))
        late_file = int(rng.integers(1, 6)) if rng.random() < 0.03 else 0
        sale.note("POD", at, (at // DAY + 1 + late_file) * DAY + 165)

    # --- the stock ------------------------------------------------------------------------------

    def _shelves(self) -> dict[tuple[int, str], Shelf]:
        sold = {(i, s): 0 for s in SITES for i in self.stocked[s]}
        for sale in self.sales:
            for item, quantity, _ in sale.lines:
                sold[item, sale.site] += quantity
        weekly = {shelf: quantity / (DAYS / 7) for shelf, quantity in sold.items()}
        level = {shelf: int(15 + 4.2 * mean + 10 * mean**0.5) for shelf, mean in weekly.items()}
        return {
            shelf: Shelf(target=quantity, on_hand=quantity) for shelf, quantity in level.items()
        }

    def _receive(self, day: int) -> None:
        for shelf in self.shelves.values():
            shelf.on_hand += sum(quantity for due, quantity in shelf.inbound if due <= day)
            shelf.inbound = [(due, quantity) for due, quantity in shelf.inbound if due > day]

    def _reorder(self, day: int) -> None:
        if day % 7 != 1:
            return
        for shelf in self.shelves.values():
            shelf.wanted = 0
        for site in SITES:
            for sale in self.waiting[site]:
                for item, quantity, _ in sale.lines:
                    self.shelves[item, site].wanted += quantity
        for (item, _), shelf in self.shelves.items():
            on_order = sum(quantity for _, quantity in shelf.inbound)
            missing = shelf.target + shelf.wanted - (shelf.on_hand - shelf.allocated) - on_order
            if missing > 0.25 * shelf.target:
                slow = pace("supplier", self.items[item].category, day)
                lead = 9.0 * slow * float(np.exp(0.3 * self.rng.standard_normal()))
                shelf.inbound.append((day + max(2, round(lead)), missing))

    def _count_stock(self, day: int) -> None:
        """Count every shelf on Sunday; on other days those that have run low."""
        late = int(self.rng.random() < 0.06)
        for (item, site), shelf in self.shelves.items():
            free = shelf.on_hand - shelf.allocated
            if day % 7 == 6 or (free < 0.12 * shelf.target and workday(day) == day):
                heard = (day + 1 + late) * DAY + 330
                self.counts.append(
                    (item, site, day * DAY + 1230, heard, shelf.on_hand, shelf.allocated)
                )
