"""Who is meant by "@ana" in a note."""

from __future__ import annotations

import re

_MENTION = re.compile(r"(?<![\w@])@(\w[\w.\-]*)")


def words_in(text: str) -> frozenset[str]:
    """Return the names that a text calls with an @, in small letters."""
    return frozenset(word.rstrip(".-").casefold() for word in _MENTION.findall(text))


def names_of(person: str) -> frozenset[str]:
    """Return the words by which a person is called: the whole name without blanks, the first."""
    parts = person.casefold().split()
    return frozenset({"".join(parts), *parts[:1]})
