"""Registered versions as a table for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from triage.training.catalogue import ListedVersion


def as_table(versions: Sequence[ListedVersion]) -> Table:
    """Return one row a version: what it is, whether it may be promoted, who promoted it and why."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("version", "digest", "gates", "alias", "in force since", "by", "why"):
        table.add_column(name, overflow="fold")
    for listed in versions:
        promotion = listed.promotion or {}
        accepted = ", ".join(promotion.get("accepted", []))
        why = str(promotion.get("why", ""))
        table.add_row(
            listed.version,
            listed.digest[:12],
            listed.gates,
            listed.alias,
            str(promotion.get("promoted_at", "")),
            str(promotion.get("who", "")),
            f"{why} ({accepted} accepted)" if accepted else why,
            style="bold" if listed.alias == "champion" else None,
        )
    return table
