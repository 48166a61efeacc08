"""Retention: what goes up to a checkpoint, and what stays although it is older.

The entry that records it names each entry that stays, with a digest over that entry and its hash.
What lies before the checkpoint is a chain no more; that entry is in the chain, and so vouches for
all of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

from triage.ledger.checkpoint import Checkpoint
from triage.ledger.entries import Draft, Entry, canonical


@dataclass(frozen=True, slots=True)
class Retention:
    """What an entry of retention says.

    Attributes:
        checkpoint: up to where entries go.
        kept: those that stay: sequence number -> digest (see `vouch`), in their sequence.
    """

    checkpoint: Checkpoint
    kept: Mapping[int, str]

    @classmethod
    def keeping(cls, checkpoint: Checkpoint, kept: Iterable[Entry]) -> Self:
        """Delete up to a checkpoint, except some entries, given in their sequence."""
        return cls(checkpoint, {entry.seq: vouch(entry) for entry in kept})

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """Read an entry of kind `retention`."""
        said = json.loads(entry.body)
        return cls(Checkpoint(**said["checkpoint"]), dict(said.get("kept", ())))

    def draft(self, reason: str) -> Draft:
        """Return it as an entry to be recorded."""
        kept = list(self.kept.items())
        said = {"checkpoint": self.checkpoint.to_dict(), "kept": kept, "reason": reason}
        return Draft("retention", canonical(said))

    def spares(self, seq: int) -> bool:
        """Return whether an entry stays."""
        return seq > self.checkpoint.seq or seq in self.kept

    def gaps(self) -> Iterator[tuple[int, int]]:
        """Yield what goes: first and last number of each run of entries."""
        for before, behind in pairwise((0, *self.kept, self.checkpoint.seq + 1)):
            if behind - before > 1:
                yield before + 1, behind - 1


def vouch(entry: Entry) -> str:
    """Return what tells an entry and its hash from any other, as hexadecimal text."""
    return entry.rehash(entry.hash).hex()
