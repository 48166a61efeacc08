"""What of a compiled program some columns need: a stage looks at half of all features."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from triage.features.compile import FeatureSet, Ints, Op

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
