"""What a system did about an order because of advice, or in spite of it, as it tells us."""

from __future__ import annotations

import json
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from triage.domain.clock import to_micros
from triage.domain.records import Identifier, Word
from triage.ledger.entries import Draft, Entry, canonical
from triage.serving.intake import Moment


class InterventionRequest(BaseModel):
    """One thing that was done; people's own acts on the list need not be told."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="InterventionRequest")

    id: Annotated[Identifier, Field(description="Yours; what comes twice is recorded once.")]
    order_id: Annotated[Identifier, Field(description="The order.")]
    action: Annotated[Word, Field(description="What was done, for example `faster_service`.")]
    at: Annotated[Moment, Field(description="When.")]
    decision_id: Annotated[
        Identifier | None, Field(description="The answer that it was done because of, if any.")
    ] = None

    def draft(self) -> Draft:
        """Return it as an entry to be recorded."""
        said = {"done": self.action, "at": to_micros(self.at), "decision_id": self.decision_id}
        return Draft("intervention", canonical(said), self.order_id, id=f"intervention:{self.id}")


class InterventionAnswer(BaseModel):
    """What became of it."""

    entry_id: Annotated[str, Field(description="Its entry in the ledger.")]
    recorded: Annotated[bool, Field(description="False if it was recorded before.")]


def done_at(entry: Entry) -> int | None:
    """Return when a system did something about an order (UTC micros); None if the entry is none."""
    if entry.kind != "intervention":
        return None
    said = json.loads(entry.body)
    return said["at"] if "done" in said else None
