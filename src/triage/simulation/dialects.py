"""Messages about exceptions, each in the dialect of the system, carrier or person that reports it.

The words follow from the true kind, but the same words serve several kinds; people quote earlier
messages and speak of two problems at once. Then the class is the problem that holds the order: the
other one is said to be settled, to belong to another order, or not to hold it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from triage.simulation import dialect_people as people
from triage.simulation import dialect_roads as roads
from triage.simulation import dialect_systems as systems
from triage.simulation.calendar import Ints
from triage.simulation.demand import Orders
from triage.simulation.dialect_facts import CUSTOMERS, GIVEN, MISSING, WRONG, Facts, Tables
from triage.simulation.dialect_grammar import Block, Dice, Text, block, mistype, say, text
from triage.simulation.dialect_sources import (
    CARRIER,
    EDI_GATEWAY,
    ERP,
    MAIL,
    STOREFRONT,
    THIRD_PARTY,
    TMS,
    WMS,
    code,
)
from triage.simulation.draws import uniforms
from triage.simulation.exceptions import Occurrences
from triage.simulation.result import Result
from triage.simulation.world import World

NAMES = (
    *("capture", "dup", "addr", "credit", "price", "short", "alloc", "pick", "delay", "damage"),
    *("integ", "inv", "change"),
)
"""Kinds as the blocks of texts call them, in the sequence of `exceptions.KINDS`."""

_SPEAKS = {
    EDI_GATEWAY: block(systems.EDI),
    ERP: block(systems.ERP),
    WMS: block(systems.WMS),
    TMS: block(roads.TMS),
    CARRIER: block(roads.CARRIER),
    STOREFRONT: block(roads.STORE),
    THIRD_PARTY: block(roads.THIRD_PARTY),
    MAIL: block(people.SAY),
}
_ABROAD = block(people.ABROAD)
_VAGUE = tuple(text(line.removeprefix("*: ")) for line in people.VAGUE.strip().splitlines())
_ASIDES = people.ASIDES
_SETTLED, _FIRST, _GREETINGS, _FILLERS, _CLOSINGS, _QUOTED = (
    tuple(text(piece) for piece in pieces)
    for pieces in (
        *(people.SETTLED, people.BEFORE, people.GREETINGS, people.FILLERS, people.CLOSINGS),
        people.QUOTED,
    )
)
_HEADS = {
    ERP: tuple(map(text, ("", "", "{date} {time} {user} ", "[{user}] ", "* MSG {ctl}: "))),
    WMS: tuple(map(text, ("", "", "{site} {time} ", "*** ", "RF{n}: "))),
    TMS: tuple(map(text, ("", "", "[{time}] ", "ALERT ", "{carr}: "))),
    CARRIER: tuple(map(text, ("", "", "{date} ", "driver note: ", "FYI ", "{time} {st} "))),
    STOREFRONT: tuple(map(text, ("", "", "[{date}] ", "Action required: "))),
    THIRD_PARTY: tuple(map(text, ("", "", "Re {so}: ", "{site} desk: "))),
    EDI_GATEWAY: tuple(map(text, ("", "", "{ctl} ", "GS*{cno}~ ", "{date} IN "))),
}

_SHARED = {
    EDI_GATEWAY: 0.66, ERP: 0.68, WMS: 0.72, TMS: 0.66, CARRIER: 0.66, STOREFRONT: 0.66,
    THIRD_PARTY: 0.68, MAIL: 0.66,
}  # fmt: skip
"""Share of messages whose words serve several kinds."""
_CUT = {WMS: (0.20, 34), TMS: (0.10, 48), ERP: (0.08, 56), CARRIER: (0.08, 40), MAIL: (0.05, 70)}
"""Share of messages that are cut off, and after how many characters."""
_REFERENCES = (*(GIVEN,) * 13, *(MISSING,) * 4, WRONG, *(CUSTOMERS,) * 2)
_IS_ABROAD, _IS_VAGUE, _HAS_ASIDE, _HAS_QUOTE = 0.18, 0.15, 0.20, 0.15
_ROW = 9_000


@dataclass(frozen=True, slots=True)
class Messages:
    """What was reported about m exceptions.

    Attributes:
        source: number in `dialect_sources.SOURCES`.
        code: as the source files it; empty for people.
        text: the message.
    """

    source: Ints
    code: list[str]
    text: list[str]


def messages(world: World, orders: Orders, result: Result, occurrences: Occurrences) -> Messages:
    """Return a message for each exception; it follows from the seed and its order's exceptions."""
    tables = Tables.of(world, orders, result, occurrences)
    found = occurrences
    column = _ROW + found.kind + len(NAMES) * found.raised
    seeds = (uniforms(world.seed, found.order, column) * 2.0**53).astype(np.int64)
    beside = _beside(found)
    codes, texts = [], []
    for at, (kind, source, seed) in enumerate(
        zip(found.kind.tolist(), found.source.tolist(), seeds.tolist(), strict=True)
    ):
        dice = Dice(seed)
        codes.append(code(source, NAMES[kind], dice))
        facts = Facts(tables, at, dice, dice.pick(_REFERENCES), source == MAIL)
        if source == MAIL:
            written = _note(NAMES[kind], beside.get(at), dice, facts)
        else:
            head = say(dice.pick(_HEADS[source]), dice, facts)
            written = head + _sentence(_SPEAKS[source], source, NAMES[kind], dice, facts)
        if source in (CARRIER, THIRD_PARTY):
            written = mistype(written, dice, dice.pick((0, 0, 0, 1, 1, 2)))
        texts.append(_cut(" ".join(written.split()), source, dice))
    return Messages(found.source, codes, texts)


def _beside(found: Occurrences) -> dict[int, int]:
    """Return, for exceptions of orders that had another one before, the kind of that one."""
    kinds = found.kind.tolist()
    place = np.lexsort((found.recorded, found.order))
    same = found.order[place][1:] == found.order[place][:-1]
    pairs = zip(place[:-1][same].tolist(), place[1:][same].tolist(), strict=True)
    return {later: kinds[earlier] for earlier, later in pairs if kinds[earlier] != kinds[later]}


def _sentence(words: Block, source: int, kind: str, dice: Dice, facts: Facts) -> str:
    shared = words.shared.get(kind, ())
    options: tuple[Text, ...] = words.clear.get(kind, ())
    if shared and (not options or dice.chance(_SHARED[source])):
        options = shared
    return say(dice.pick(options), dice, facts)


def _note(kind: str, beside: int | None, dice: Dice, facts: Facts) -> str:
    """Return what a person writes: greeting, the matter, perhaps another one, and a quotation."""
    vague = dice.chance(_IS_VAGUE)
    if vague:
        matter = say(dice.pick(_VAGUE), dice, facts)
    else:
        tongue = _ABROAD if dice.chance(_IS_ABROAD) else _SPEAKS[MAIL]
        matter = _sentence(tongue, MAIL, kind, dice, facts)
    if dice.chance(_HAS_ASIDE if beside is None else 0.6):
        other = dice.pick(NAMES) if beside is None else NAMES[beside]
        if other != kind:
            facts["aside"] = dice.pick(_ASIDES[other])
            if dice.chance(0.5):
                matter = f"{say(dice.pick(_FIRST), dice, facts)} {matter}"
            else:
                matter = f"{matter}. {say(dice.pick(_SETTLED), dice, facts)}"
    pieces = [say(dice.pick(_GREETINGS), dice, facts), matter]
    pieces += [say(dice.pick(part), dice, facts) for part in (_FILLERS, _CLOSINGS)]
    written = _slips(" ".join(pieces), dice)
    if dice.chance(0.4 if vague else _HAS_QUOTE):
        other = kind if dice.chance(0.5) else dice.pick(NAMES)
        quoted = _sentence(
            _SPEAKS[ERP if other in _SPEAKS[ERP].clear else TMS], MAIL, other, dice, facts
        )
        written = f"{written} {say(dice.pick(_QUOTED), dice, facts)} {quoted}"
    return written


def _slips(written: str, dice: Dice) -> str:
    if dice.chance(0.3):
        written = written.lower()
    elif dice.chance(0.06):
        written = written.upper()
    return mistype(written, dice, dice.pick((0, 0, 1, 1, 2, 3)))


def _cut(written: str, source: int, dice: Dice) -> str:
    share, least = _CUT.get(source, (0.0, 0))
    return written[: least + dice.below(30)] if dice.chance(share) else written
