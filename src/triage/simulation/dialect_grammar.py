"""How a text is put together: blocks of lines, choices and facts in them, dice, typos."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

T = TypeVar("T")

_MASK = (1 << 64) - 1
_PARTS = re.compile(r"(<[^<>]*>|\{\w+\})")
_NEAR = dict(zip("qwertyuiopasdfghjklzxcvbnm", "wertyuioopsdfghjkllxcvbnmm", strict=True))


class Dice:
    """Random numbers of one message: the upper bits of a linear congruence of 64."""

    __slots__ = ("_state",)

    def __init__(self, seed: int) -> None:
        self._state = seed

    def below(self, count: int) -> int:
        """Return a whole number from 0 to `count - 1`."""
        self._state = (self._state * 6364136223846793005 + 1442695040888963407) & _MASK
        return ((self._state >> 32) * count) >> 32

    def chance(self, share: float) -> bool:
        """Return true in that share of the throws."""
        return self.below(1 << 20) < share * (1 << 20)

    def pick(self, options: Sequence[T]) -> T:
        """Return one of the options."""
        return options[self.below(len(options))]


class Fact(NamedTuple):
    """The place of a fact in a text."""

    name: str


class Choice(NamedTuple):
    """A place at which one of several pieces stands."""

    options: tuple[tuple[str | Fact, ...], ...]


Text = tuple[str | Fact | Choice, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """The texts of one source, by kind.

    Attributes:
        clear: texts that say what they mean.
        shared: texts that are used for other kinds in the same words.
    """

    clear: Mapping[str, tuple[Text, ...]]
    shared: Mapping[str, tuple[Text, ...]]


def text(source: str) -> Text:
    """Read `{fact}` and `<one|other>` in a text."""
    return tuple(
        Choice(tuple(_plain(option) for option in part[1:-1].split("|")))
        if part.startswith("<")
        else _word(part)
        for part in _PARTS.split(source)
        if part
    )


def _plain(source: str) -> tuple[str | Fact, ...]:
    return tuple(_word(part) for part in re.split(r"(\{\w+\})", source) if part)


def _word(part: str) -> str | Fact:
    return Fact(part[1:-1]) if part.startswith("{") else part


def block(source: str) -> Block:
    """Read a block: lines `kind, kind: text`."""
    clear: dict[str, tuple[Text, ...]] = {}
    shared: dict[str, tuple[Text, ...]] = {}
    for line in source.strip().splitlines():
        names, _, words = line.partition(": ")
        kinds = names.split(",")
        where = clear if len(kinds) == 1 else shared
        for kind in kinds:
            where[kind] = (*where.get(kind, ()), text(words))
    return Block(clear, shared)


def say(words: Text, dice: Dice, facts: Mapping[str, str]) -> str:
    """Return a text with its choices made and its facts in place."""
    said = []
    for part in words:
        if isinstance(part, Choice):
            said += [
                piece if isinstance(piece, str) else facts[piece.name]
                for piece in dice.pick(part.options)
            ]
        else:
            said.append(part if isinstance(part, str) else facts[part.name])
    return "".join(said)


def mistype(words: str, dice: Dice, edits: int) -> str:
    """Return the words with so many slips of the finger."""
    for _ in range(edits):
        if len(words) < 4:
            break
        at = 1 + dice.below(len(words) - 2)
        slip, letter = dice.below(4), words[at]
        if slip == 0:
            words = words[:at] + words[at + 1] + letter + words[at + 2 :]
        elif slip == 1:
            words = words[:at] + words[at + 1 :]
        elif slip == 2:
            words = words[:at] + letter + words[at:]
        else:
            words = words[:at] + _NEAR.get(letter, letter) + words[at + 1 :]
    return words
