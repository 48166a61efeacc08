"""The base of what a file declares: frozen, and nothing that is not known."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Declared(BaseModel):
    """A table of such a file; a name that does not exist is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")
