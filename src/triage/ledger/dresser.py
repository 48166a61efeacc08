"""What stands between items that are appended to a journal and the frames that it writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class Dresser(Protocol):
    """Turns what was appended into frames, in the order of the journal. One caller at a time."""

    def dress(self, first_seq: int, items: Sequence[Any]) -> tuple[Sequence[bytes], Any]:
        """Return one frame per item, and what the caller of `append` gets for them."""
        ...

    def weight(self, items: Sequence[Any]) -> int:
        """Return about how many bytes items are, before they are dressed."""
        ...

    def kept(self, frames: int) -> None:
        """So many more frames are as durable as was asked; nobody has been told yet."""
        ...

    def dropped(self, but: int = 0) -> None:
        """What was dressed behind so many frames that are not `kept` was not written: undo it."""
        ...

    def context(self) -> bytes:
        """Return at most 64 bytes that say where the journal stands after the last `kept`."""
        ...


class Plain:
    """Frames are the items; the caller gets their range of sequence numbers."""

    def dress(self, first_seq: int, items: Sequence[bytes]) -> tuple[Sequence[bytes], range]:
        """Return the items and their sequence numbers."""
        return items, range(first_seq, first_seq + len(items))

    def weight(self, items: Sequence[bytes]) -> int:
        """Return their bytes."""
        return sum(map(len, items))

    def kept(self, frames: int) -> None:
        """Nothing depends on it."""

    def dropped(self, but: int = 0) -> None:
        """Nothing depends on it."""

    def context(self) -> bytes:
        """Return nothing."""
        return b""
