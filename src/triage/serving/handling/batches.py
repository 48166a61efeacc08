"""Acts that were asked for together, so that they can be undone together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from triage.serving.handling.state import Act, Handled

_REMEMBERED = 500
"""Outcomes that can still be shown; what was done is in the ledger, also when they are gone."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of acts that were asked for together.

    Attributes:
        batch: their id.
        action: what was asked for, as the form names it.
        done: orders, or exceptions, on which it was done.
        refused: the others, each with a sentence why.
    """

    batch: str
    action: str
    done: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Batches:
    """Which acts belong together, and whose batch was the newest."""

    _acts: dict[str, list[tuple[str, Act]]] = field(default_factory=dict)
    _by: dict[str, list[str]] = field(default_factory=dict)
    _outcomes: dict[str, Outcome] = field(default_factory=dict)

    def note(self, order_id: str, act: Act) -> None:
        """Take in an act that is recorded."""
        if act.batch is None:
            return
        if act.batch not in self._acts:
            self._by.setdefault(act.by, []).append(act.batch)
        self._acts.setdefault(act.batch, []).append((order_id, act))

    def acts(self, batch: str) -> list[tuple[str, Act]]:
        """Return the acts of a batch with their orders."""
        return self._acts.get(batch, [])

    def newest(self, by: str, handled: Callable[[str], Handled]) -> str | None:
        """Return the newest batch of a person of which something can be undone.

        Args:
            by: who.
            handled: gives an order as it is handled.
        """
        for batch in reversed(self._by.get(by, [])):
            for order_id, act in self._acts[batch]:
                if act.action != "undo" and act.id not in handled(order_id).undone:
                    return batch
        return None

    def keep(self, outcome: Outcome) -> None:
        """Remember an outcome until many others have come."""
        self._outcomes[outcome.batch] = outcome
        while len(self._outcomes) > _REMEMBERED:
            del self._outcomes[next(iter(self._outcomes))]

    def outcome(self, batch: str) -> Outcome | None:
        """Return what became of a batch, if that is still remembered."""
        return self._outcomes.get(batch)
