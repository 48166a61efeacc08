"""What people said an exception is, against what the model said: entries of the ledger.

A correction counts from the moment that it was made, on the clock by which the service reads its
data (`as_of`): training takes it as a record that became known then. Taking one back is an entry
of its own, and counts from its own moment.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from triage.ledger.entries import Draft, Entry, Kind, canonical

KIND: Final[Kind] = "disposition"
_CORRECT, _TAKE_BACK = "correct_exception", "take_back_correction"
_PUBLIC = ("exception_id", "as_of", "code", "said", "model", "batch", "entry")


@dataclass(frozen=True, slots=True)
class Correction:
    """One thing that somebody said about the class of an exception.

    Attributes:
        exception_id: the exception.
        as_of: the moment that counted as now, UTC micros.
        code: the class that it is; empty where an earlier correction is taken back.
        said: the class that the model said.
        model: digest of the model.
        order_id: the order that it is about, if known.
        by: who; empty once the name is erased.
        batch: id that corrections have in common which were made together.
        entry: id of the correction that is taken back; empty where there is none.
        id: id of its entry in the ledger; empty before it is recorded.
        at: when it was recorded, UTC micros of the clock on the wall.
    """

    exception_id: str
    as_of: int
    code: str = ""
    said: str = ""
    model: str = ""
    order_id: str | None = None
    by: str = ""
    batch: str = ""
    entry: str = ""
    id: str = ""
    at: int = 0

    def draft(self) -> Draft:
        """Return it as an entry to be recorded; the name is in the part that can be erased."""
        told = {name: value for name in _PUBLIC if (value := getattr(self, name))}
        told["action"] = _TAKE_BACK if self.entry else _CORRECT
        return Draft(
            KIND, canonical(told), self.order_id, canonical({"by": self.by}), at=self.at or None
        )

    @classmethod
    def of(cls, entry: Entry) -> Self | None:
        """Read an entry; None if it is about no class."""
        if entry.kind != KIND:
            return None
        told = json.loads(entry.body)
        if not isinstance(told, dict) or told.get("action") not in (_CORRECT, _TAKE_BACK):
            return None
        own = {} if entry.personal is None else json.loads(entry.personal)
        fields = {name: told[name] for name in _PUBLIC if name in told}
        return cls(
            **fields, order_id=entry.order_id, by=own.get("by", ""), id=entry.id, at=entry.at
        )


def corrections(entries: Iterable[Entry]) -> list[Correction]:
    """Return the corrections among some entries, in their sequence."""
    return [found for entry in entries if (found := Correction.of(entry)) is not None]


def standing(told: Iterable[Correction]) -> Correction | None:
    """Return the newest correction of one exception that was not taken back; None if none is."""
    held: dict[str, Correction] = {}
    for each in told:
        if each.entry:
            held.pop(each.entry, None)
        else:
            held[each.id] = each
    return next(reversed(held.values()), None)
