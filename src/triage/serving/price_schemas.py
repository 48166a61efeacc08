"""What is answered about the lines of an order; part of the OpenAPI document."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from triage.models.price_kinds import Kind
from triage.models.prices import Basis


class LinePriceOut(BaseModel):
    """A line's price against what was agreed and what is usual; money per piece."""

    model_config = ConfigDict(extra="forbid", title="LinePrice")

    entered: float = Field(ge=0, description="As the order says.")
    expected: float = Field(ge=0, description="What it should be.")
    low: float = Field(ge=0, description="Lower end of what is usual.")
    high: float = Field(ge=0, description="Upper end; a price from low to high is never anomalous.")
    deviation: float = Field(description="entered / expected - 1.")
    against: Basis = Field(
        description="What the expectation rests on: agreed (contract, promotion) or usual (list"
        " with the customer's discount, the item's own history)."
    )
    p_error: float = Field(ge=0, le=1, description="Chance that the price is wrong.")
    anomalous: bool = Field(description="Whether somebody should look at it.")
    kind: Kind | None = Field(description="The error it looks most like; null unless anomalous.")
    reason: str | None = Field(description="The sentence for people; null inside the range.")


class LineOut(BaseModel):
    """One line of the order."""

    model_config = ConfigDict(extra="forbid", title="Line")

    line_no: int = Field(ge=1)
    price: LinePriceOut
