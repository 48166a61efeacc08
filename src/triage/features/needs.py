"""What of a compiled program some columns need: a stage looks at half of all features."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from triage.features.compile import FeatureSet, Ints, Op
from triage.features.facts import Subject

_FIRST_OF, _SECOND_OF, _CURSOR, _PARENT = 1, 2, 3, 5


class Needs(NamedTuple):
    """Which slots and cursors a kernel goes through, both in the order of the program."""

    slots: Ints
    cursors: Ints


def needs(features: FeatureSet, names: Collection[str], cursors: Collection[int] = ()) -> Needs:
    """Return the slots of some columns with all that these are made of, and their cursors.

    Args:
        features: the compiled declarations.
        names: columns that are wanted.
        cursors: further cursors that are wanted.
    """
    slots = features.program.slots
    wanted = {at for at, name in enumerate(features.names) if name in set(names)}
    for at in range(len(slots) - 1, -1, -1):  # what a slot is made of stands before it
        if at in wanted:
            made_of = [slots[at, _PARENT]]
            if slots[at, 0] >= Op.DIFFERENCE:
                made_of += [slots[at, _FIRST_OF], slots[at, _SECOND_OF]]
            wanted |= {int(other) for other in made_of if other >= 0}
    kept = np.array(sorted(wanted), dtype=np.int64)
    placed = {*slots[kept, _CURSOR].tolist(), *cursors} - {-1}
    return Needs(kept, np.array(sorted(placed), dtype=np.int64))


def tables(features: FeatureSet, names: Collection[str]) -> frozenset[int]:
    """Return the tables of the index that some columns look at, also to find the scarcest line."""
    program, needed = features.program, needs(features, names)
    found = frozenset(program.cursors[needed.cursors][:, [0, 3]].ravel().tolist()) - {-1}
    scarce = program.slots[needed.slots, 0] == Op.SCARCE_QUANTITY
    if scarce.any() or program.cursors[needed.cursors, 2].any():
        found |= {int(program.scarcity[0])} - {-1}
    return found


def of_orders(features: FeatureSet, held: Collection[int]) -> bool:
    """Return whether some tables hold nothing but what an order book says."""
    streams = features.program.tables[list(held), 0]
    subjects = features.program.streams[streams, 9]
    return bool(np.isin(subjects, (int(Subject.ORDER), int(Subject.LINE))).all())


def parts(features: FeatureSet, names: Sequence[str], count: int) -> list[tuple[str, ...]]:
    """Deal columns out to a number of parts that look at about as many tables each.

    Those that look at more than orders come first, so that later parts need the book alone.
    """
    looks_at = {name: tables(features, [name]) for name in names}
    in_turn = sorted(names, key=lambda name: of_orders(features, looks_at[name]))
    share = len(frozenset().union(*looks_at.values())) / count
    found: list[list[str]] = [[]]
    held: set[int] = set()
    for name in in_turn:
        if len(held | looks_at[name]) > share and len(found) < count and found[-1]:
            found.append([])
            held = set()
        held |= looks_at[name]
        found[-1].append(name)
    return [tuple(part) for part in found]
