"""What a model promises: meaning of its output, required slices, gates (`models/<name>.toml`)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from triage import workspace
from triage.workspace import Declared

_Positive = Annotated[float, Field(gt=0)]
_Share = Annotated[float, Field(ge=0, le=1)]


class Output(Declared):
    """What the model's number means."""

    name: str
    meaning: str
    range: tuple[float, float]
    horizon: str
    use: str


class Slices(Declared):
    """Landmarks that must be in the test set, and from what size on they are judged."""

    landmarks: tuple[str, ...]
    min_rows: Annotated[int, Field(ge=1)]
    min_late: Annotated[int, Field(ge=1)]


class Segments(Declared):
    """By which columns the test set is divided, and from what size on a segment is judged."""

    columns: tuple[str, ...]
    min_rows: Annotated[int, Field(ge=1)]
    min_late: Annotated[int, Field(ge=1)]


class Rehearsal(Declared):
    """On what the bundle is tried as the service would use it.

    Attributes:
        most_orders: of a longer log only the newest orders are taken.
        orders: newest orders that are scored for speed and for replay.
        streamed_records: newest records that one engine takes in one by one.
        top: how many of the riskiest open orders make the list that people see.
        min_open: with fewer open orders stability is reported, not judged.
    """

    most_orders: Annotated[int, Field(ge=1000)]
    orders: Annotated[int, Field(ge=1)]
    streamed_records: Annotated[int, Field(ge=1)]
    top: Annotated[int, Field(ge=1)]
    min_open: Annotated[int, Field(ge=2)]


class Allowance(Declared):
    """How far chance may excuse a figure where few rows were late."""

    rule: str
    plenty_late: Annotated[int, Field(ge=1)]
    standard_errors: Annotated[float, Field(ge=0)]
    most_log_loss: Annotated[float, Field(ge=0)]
    resamples: Annotated[int, Field(ge=100)]
    seed: int


class Thresholds(Declared):
    """The gates."""

    must_beat: tuple[str, ...]
    must_match: tuple[str, ...]
    max_ece: _Share
    min_within_month_roc_auc: _Share
    max_worst_month_log_loss_excess: Annotated[float, Field(ge=0)]
    max_worst_segment_log_loss_excess: Annotated[float, Field(ge=0)]
    max_score_ms: _Positive
    min_rank_correlation: Annotated[float, Field(ge=-1, le=1)]
    min_top_in_common: _Share
    max_megabytes: _Positive


class ModelPromise(Declared):
    """What one model promises."""

    name: str
    version: str
    output: Output
    slices: Slices
    segments: Segments
    rehearsal: Rehearsal
    allowance: Allowance
    gates: Thresholds


def load(name: str = "at_risk", configured: Path | None = None) -> ModelPromise:
    """Read what a model promises.

    Raises:
        DeclarationError: naming the file and the field that does not fit.
    """
    where = f"models/{name}.toml"
    return workspace.read(ModelPromise, where, configured)
