"""What can go wrong with the ledger, in the tree of `triage.errors`."""

from __future__ import annotations

from pathlib import Path

from triage.errors import TriageError


class LedgerError(TriageError):
    """The ledger cannot be used as it is."""

    slug = "ledger"


class StoreUnavailableError(LedgerError):
    """Nothing can be recorded at the moment."""

    status = 503
    slug = "store-unavailable"


def unconfirmed(seconds: float) -> StoreUnavailableError:
    """Return that the disk said nothing within so many seconds."""
    return StoreUnavailableError(
        f"the disk did not confirm within {seconds:g} s; it may still be recorded: read before you"
        " repeat it"
    )


class AlreadyOpenError(LedgerError):
    """The ledger is in use by another process."""

    slug = "ledger-in-use"


class DuplicateEntryError(LedgerError):
    """An entry with this id is recorded already."""

    status = 409
    slug = "duplicate-entry"


class DamagedJournalError(LedgerError):
    """The journal is damaged before its end."""

    slug = "journal-damaged"

    def __init__(self, segment: Path, offset: int, what: str) -> None:
        """Say which file is damaged, and where.

        Args:
            segment: the file.
            offset: byte at which the first unreadable block begins.
            what: what is wrong there, in words.
        """
        self.segment = segment
        self.offset = offset
        super().__init__(
            f"{segment} at byte {offset}: {what}; restore the folder from a copy, or move it away "
            "to go on without what it still held"
        )


class ContinuityError(LedgerError):
    """Journal and store do not continue each other."""

    slug = "ledger-continuity"


class CheckpointError(LedgerError):
    """A checkpoint cannot be trusted."""

    slug = "checkpoint"
