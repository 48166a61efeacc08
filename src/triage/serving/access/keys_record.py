"""Keys on record: that they were issued and revoked is in the ledger's chain, too.

The ledger is not asked about requests; it remembers. A folder of keys that was restored from an
older copy cannot bring a revoked key back.
"""

from __future__ import annotations

import asyncio
import logging

from triage.ledger.entries import Draft, canonical
from triage.ledger.errors import LedgerError
from triage.ledger.ledger import Ledger
from triage.serving.access.keys import Key
from triage.serving.access.keys_ring import KeyRing

LOOK_SECONDS = 2.0
_LOG = logging.getLogger("triage.serving")


class KeyRecord:
    """Tells the ledger of keys, and the keys what the ledger knows.

    Args:
        ring: the keys as the service sees them; what is on record as revoked is denied at once.
        ledger: where it is recorded.
    """

    def __init__(self, ring: KeyRing, ledger: Ledger) -> None:
        self._ring, self._ledger = ring, ledger
        self._recorded = {entry.id for entry in ledger.entries(kind="key")}
        told = (entry_id.split(":") for entry_id in self._recorded)
        ring.deny(key_id for _, key_id, what in told if what == "revoked")

    async def follow(self) -> None:
        """Record what is issued and revoked, for as long as this is not cancelled."""
        while True:
            await self.catch_up()
            await asyncio.sleep(LOOK_SECONDS)

    async def catch_up(self) -> None:
        """Record what is not on record yet; what cannot be recorded now is tried again later."""
        drafts = [
            _draft(key, what, at)
            for key in self._ring.all()
            for what, at in (("issued", key.created), ("revoked", key.revoked))
            if at is not None and _id(key, what) not in self._recorded
        ]
        if not drafts:
            return
        try:
            await self._ledger.record_async(*drafts)
        except LedgerError as error:
            _LOG.warning("keys are not on record yet: %s", type(error).__name__)
            return
        self._recorded |= {draft.id for draft in drafts}


def _id(key: Key, what: str) -> str:
    return f"key:{key.id}:{what}"


def _draft(key: Key, what: str, at: int) -> Draft:
    """Return an entry; the name of the key can be erased, its secret was never known."""
    body = {"what": what, "key": key.id, "scopes": sorted(key.scopes), "expires": key.expires}
    return Draft("key", canonical(body), None, key.name.encode(), _id(key, what), at)
