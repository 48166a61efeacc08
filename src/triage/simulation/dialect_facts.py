"""The facts that a message can mention, as its writer would put them; some are missing or wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from triage.simulation.calendar import DAY, START
from triage.simulation.demand import Orders
from triage.simulation.dialect_grammar import Dice
from triage.simulation.exceptions import Occurrences
from triage.simulation.result import Result
from triage.simulation.world import World

PEOPLE = (
    *("Dana", "Luis", "Priya", "Marta", "Kenji", "Aaron", "Beth", "Carlos", "Ines", "Joao"),
    *("Karl", "Lena", "Mike", "Nadia", "Omar", "Petra", "Rosa", "Sam", "Tom", "Yvonne"),
)
UNITS = ("CS", "BX", "PK", "DZ", "M", "KG", "PAL")
GIVEN, MISSING, WRONG, CUSTOMERS = range(4)
"""How a message refers to the order: by its number, not at all, by another, by the customer's."""
_STYLES = ("%Y-%m-%d", "%m/%d", "%d%b", "%d.%m.", "%b %d", "%Y%m%d")
_BEFORE, _AFTER = 100, 400
_NO_NUMBER = ("the order", "this one", "our order", "it", "this order", "the last order")


def order_number(order: int) -> str:
    """Return the number under which the ERP knows an order."""
    return f"SO{400_001 + order}"


@dataclass(frozen=True, slots=True)
class Tables:
    """What the facts of m exceptions are looked up in: one entry for each of them, and dates."""

    world: World
    dates: tuple[tuple[str, ...], ...]
    weekdays: tuple[str, ...]
    order: list[int]
    day: list[int]
    customer: list[int]
    site: list[int]
    carrier: list[int]
    item: list[int]
    pieces: list[int]
    entered: list[float]
    right: list[float]
    value: list[float]

    @classmethod
    def of(cls, world: World, orders: Orders, result: Result, found: Occurrences) -> Tables:
        """Look up what the messages of some exceptions may mention."""
        line = np.where(found.line >= 0, found.line, orders.first_line[found.order])
        span = START + np.arange(-_BEFORE, world.calendar.days + _AFTER)
        dates = [date.item() for date in span]
        own, order = orders.own, found.order
        return cls(
            world,
            tuple(tuple(date.strftime(style) for date in dates) for style in _STYLES),
            tuple(date.strftime("%a") for date in dates),
            order.tolist(), (found.raised // DAY + _BEFORE).tolist(),
            orders.customer[order].tolist(), result.site[order].tolist(),
            result.carrier[order].tolist(), own.sku[line].tolist(), own.quantity[line].tolist(),
            own.prices.entered[line].tolist(), own.prices.right[line].tolist(),
            orders.value[order].tolist(),
        )  # fmt: skip


class Facts(dict[str, str]):
    """The facts of one message; each is worked out when it is first mentioned, and stays.

    Args:
        tables: what they are looked up in.
        at: number of the exception.
        dice: of the message.
        reference: GIVEN, MISSING, WRONG or CUSTOMERS.
        person: whether a person writes (who says "the order" where a system leaves a blank).
    """

    def __init__(self, tables: Tables, at: int, dice: Dice, reference: int, person: bool) -> None:
        super().__init__()
        self.tables, self.at, self.dice = tables, at, dice
        self.reference, self.person = reference, person
        self.style = dice.below(len(_STYLES))

    def __missing__(self, name: str) -> str:
        found = self[name] = _FACTS[name](self)
        return found

    def number(self, low: int, high: int) -> str:
        """Return a whole number between two others."""
        return str(low + self.dice.below(high - low + 1))

    def date(self, low: int, high: int) -> str:
        """Return a date so many days after the exception."""
        days = low + self.dice.below(high - low + 1)
        return self.tables.dates[self.style][self.tables.day[self.at] + days]

    def price(self, right: bool) -> str:
        """Return a price: the right one, or the one that is wrong (or said to be)."""
        entered, true = self.tables.entered[self.at], self.tables.right[self.at]
        if not right and entered == true:
            entered = true * (0.55 + self.dice.below(100) / 100)
        return f"{true if right else entered:.2f}"


def _order(facts: Facts) -> str:
    order, dice = facts.tables.order[facts.at], facts.dice
    if facts.reference == MISSING:
        return dice.pick(_NO_NUMBER) if facts.person else ""
    if facts.reference == CUSTOMERS:
        return facts["po"]
    number = order_number(order + (1 + dice.below(900) if facts.reference == WRONG else 0))
    if not facts.person:
        return number
    return dice.pick((number, number[2:], f"order {number[2:]}", f"#{number[2:]}", number.lower()))


def _customers(facts: Facts) -> str:
    return "" if facts.reference == MISSING else f"45{7_000_000 + facts.tables.order[facts.at] * 3}"


def _street(facts: Facts) -> tuple[str, str]:
    towns = facts.tables.world.towns
    town = int(facts.tables.world.customers.town[facts.tables.customer[facts.at]])
    return towns.state[town], towns.area[town]


def _junk(facts: Facts) -> str:
    code = facts.tables.world.skus.code[facts.tables.item[facts.at]]
    return facts.dice.pick((code[3:], code[:-1], f"{code}A", code.replace("-", ""), f"OLD{code}"))


def _less(facts: Facts) -> str:
    return str(facts.dice.below(max(facts.tables.pieces[facts.at], 1)))


def _amount(facts: Facts) -> str:
    return f"{facts.tables.value[facts.at] * (0.02 + facts.dice.below(90) / 100):.2f}"


def _tracking(facts: Facts) -> str:
    carrier = facts.tables.world.carriers.code[facts.tables.carrier[facts.at]]
    return f"{carrier[:2].upper()}{facts.number(10_000_000, 99_999_999)}"


def _other_item(facts: Facts) -> str:
    return facts.dice.pick(facts.tables.world.skus.code)


def _bin(facts: Facts) -> str:
    return f"{facts.dice.pick('ABCDEFGH')}{facts.number(1, 42):0>2}-{facts.number(1, 6)}"


_FACTS: dict[str, Callable[[Facts], str]] = {
    "so": _order,
    "po": _customers,
    "po2": lambda facts: f"45{facts.number(7_000_000, 9_999_999)}",
    "other": lambda facts: order_number(
        max(facts.tables.order[facts.at] - 1 - facts.dice.below(400), 0)
    ),
    "junk": _junk,
    "item": lambda facts: facts.tables.world.skus.code[facts.tables.item[facts.at]],
    "item2": _other_item,
    "qty": lambda facts: str(facts.tables.pieces[facts.at]),
    "got": _less,
    "left": lambda facts: str(facts.tables.pieces[facts.at] - int(facts["got"])),
    "big": lambda facts: str(facts.tables.pieces[facts.at] * facts.dice.pick((10, 12, 24, 100))),
    "uom": lambda facts: facts.dice.pick(UNITS),
    "ln": lambda facts: str(10 * (1 + facts.dice.below(6))),
    "date": lambda facts: facts.date(0, 14),
    "date2": lambda facts: facts.date(2, 12),
    "olddate": lambda facts: facts.date(-60, -1),
    "wd": lambda facts: facts.tables.weekdays[facts.tables.day[facts.at] + facts.dice.below(7)],
    "time": lambda facts: f"{facts.number(0, 23):0>2}:{facts.number(0, 59):0>2}",
    "cust": lambda facts: facts.tables.world.customers.name[facts.tables.customer[facts.at]],
    "cno": lambda facts: facts.tables.world.customers.code[facts.tables.customer[facts.at]],
    "carr": lambda facts: facts.tables.world.carriers.code[facts.tables.carrier[facts.at]],
    "site": lambda facts: facts.tables.world.sites.code[facts.tables.site[facts.at]],
    "st": lambda facts: _street(facts)[0],
    "zip": lambda facts: f"{_street(facts)[1]}{facts.number(1, 99):0>2}",
    "val": lambda facts: f"{facts.tables.value[facts.at]:.2f}",
    "lim": lambda facts: str(
        int(facts.tables.world.customers.credit_limit[facts.tables.customer[facts.at]])
    ),
    "price": lambda facts: facts.price(right=True),
    "off": lambda facts: facts.price(right=False),
    "pct": lambda facts: facts.number(3, 60),
    "amt": _amount,
    "hrs": lambda facts: facts.number(1, 48),
    "n": lambda facts: facts.number(1, 12),
    "lvl": lambda facts: facts.number(1, 3),
    "ctn": lambda facts: facts.number(2, 40),
    "person": lambda facts: facts.dice.pick(PEOPLE),
    "clerk": lambda facts: facts.dice.pick(PEOPLE),
    "user": lambda facts: f"{facts.dice.pick(PEOPLE)[:3].upper()}{facts.number(1, 9):0>2}",
    "ctl": lambda facts: facts.number(100_000, 999_999),
    "hex": lambda facts: f"{facts.dice.below(1 << 32):08X}",
    "trk": _tracking,
    "load": lambda facts: f"L{facts.number(200_000, 799_999)}",
    "bin": _bin,
    "lpn": lambda facts: f"LP{facts.number(10_000, 99_999)}",
}
