"""What the filters of a list offer to choose from."""

from __future__ import annotations

from collections import Counter

from triage.serving import formats, texts

_LONGEST = 24


def short(name: str) -> str:
    """Return a name as long as a filter has room for."""
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}\u2026"


def people(known: Counter[str], you: str, chosen: str = "") -> list[tuple[str, str]]:
    """Return the people to choose from, with how much each has: you first.

    Args:
        known: how much each person has.
        you: who looks; empty if not known.
        chosen: who is chosen, and is offered even with nothing.
    """
    names = sorted({*known, *filter(None, [chosen])} - {you}, key=str.casefold)
    mine = [(you, texts.lists.you(known[you]))] if you else []
    return mine + [(name, f"{short(name)} ({formats.number(known[name])})") for name in names]
