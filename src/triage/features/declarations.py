"""What a model may look at, as declared in `features/*.toml`.

Three kinds of feature: a *row* feature is a plain function of the order's own facts, a *history*
feature is an aggregate of a stream of past facts under a key, a *derived* feature combines two
others. A declaration without meaning, unit, phrase or concept does not load.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from triage import workspace
from triage.domain.records import MilestoneKind
from triage.errors import DeclarationError
from triage.workspace import Declared

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Pattern = Annotated[str, Field(pattern=r"^[a-z{][a-z0-9_{}]*$", max_length=60)]
Sentence = Annotated[str, Field(min_length=3, max_length=300)]

RowFunction = Literal[
    "number", "hours_between", "hours_since", "hours_until", "days_between", "days_until",
    "log_days_until", "log_days_since", "log_days_between", "workdays_between", "scarce_quantity",
    "worktime_until", "worktime_since", "worktime_ahead",
    "hour_of_day", "hour_of_week", "day_of_week", "day_of_year",
    "day_of_week_of", "holidays_until", "workdays_until", "workdays_ahead",
]  # fmt: skip
Aggregate = Literal[
    "count", "sum", "mean", "since_last", "last", "level", "since_newest", "since_mean"
]
"""`since_newest` and `since_mean`: working days that have passed since the newest, or the mean, of
the moments that entries carry (`worktime` values): of those in a window, or of what is open. Of a
window at most the newest `kernel.LOOKED_AT` entries are looked at."""
WINDOWED: frozenset[str] = frozenset({"count", "sum", "mean", "since_newest"})
Derivation = Literal["difference", "ratio", "product", "total"]
Cause = Literal[
    "inventory", "approval", "warehouse", "carrier", "integration", "demand", "promise", "other"
]
"""What a delay is put down to; `demand` is what the customer orders and changes, `integration` what
passes between systems, `promise` how tight the promised time was."""


class StreamValue(Declared):
    """A whole-number value that each entry of a stream carries.

    Exactly one of: `minutes` between two times of the order, `log_days` (ten-thousandths of log(1 +
    days) between two times), `workdays` from the day of one to that of the other, `worktime`
    (minutes of working days up to one time), `clock` (minutes since local midnight at one time;
    their mean means nothing around midnight), `after` (1 if the second time came after the first),
    `number` (a fact of the order, times `per`), `late` (1 if the order was late), `open` (1 if
    still open at a checkpoint), `available` (stock on hand less allocated, of a position). Sums are
    kept as integers, so they are exact. An interval carries numbers, and the `worktime` of its
    `at`: what it adds when it opens it takes away when it ends.
    """

    minutes: tuple[str, str] | None = None
    log_days: tuple[str, str] | None = None
    workdays: tuple[str, str] | None = None
    worktime: str | None = None
    clock: str | None = None
    after: tuple[str, str] | None = None
    number: str | None = None
    late: bool = False
    open: bool = False
    available: bool = False
    per: Annotated[int, Field(ge=1)] = 1

    @model_serializer(mode="wrap")
    def _as_before(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what older bundles do not have, so that their digest stays."""
        shown: dict[str, Any] = handler(self)
        for later in ("worktime", "clock"):
            if shown[later] is None:
                del shown[later]
        return shown

    @model_validator(mode="after")
    def _one_kind(self) -> StreamValue:
        given = (
            self.minutes, self.log_days, self.workdays, self.worktime, self.clock, self.after,
            self.number,
        )  # fmt: skip
        flags = (self.late, self.open, self.available)
        if sum(value is not None for value in given) + sum(flags) != 1:
            raise ValueError("give exactly one kind of value")
        return self


class Stream(Declared):
    """A stream of past facts, each known from one moment on.

    `event`: one entry when a milestone becomes known. `interval`: open from one milestone until
    the first of others (or cancellation, or `max_age_days`), counted from `min_age_hours` on.
    `outcome`: one entry when the outcome is known, at the latest when the promise passes (with
    `at`: only if that milestone was known by then).
    `checkpoint`: at `min_age_hours` (or `share_of_promise`) after `at`, was it still open?
    `position`: one entry per inventory position.

    `of` names what the entries come from: the order, each of its lines, exceptions, inbound
    supplies, hours of sites, each with its own times (`facts.TIMES_OF`). An interval with negative
    `min_age_hours` opens before `at`, as soon as that was known: what will be due.
    """

    kind: Literal["event", "interval", "outcome", "checkpoint", "position"]
    meaning: Sentence
    of: Literal["order", "line", "exception", "supply", "staffing"] = "order"
    at: str | None = None
    ends: str | None = None
    min_age_hours: Annotated[float, Field(ge=-8784)] = 0.0
    share_of_promise: Annotated[float, Field(ge=0, le=2)] = 0.0
    max_age_days: Annotated[float, Field(gt=0)] = 60.0
    values: dict[Name, StreamValue] = Field(default_factory=dict)


class Key(Declared):
    """What history is kept by.

    Attributes:
        fields: fields of the order or of its main line; none means all orders together.
        place: how to name it in a sentence, for example "this lane".
        parent: the wider key that thin histories shrink towards.
        least: (position stream, value): of the order's lines the key is that of the line of whose
            quantity the last such value covers least, as of the moment asked; where no line has a
            position, that of the main line.
    """

    fields: tuple[str, ...]
    place: Annotated[str, Field(min_length=2, max_length=40)]
    parent: str | None = None
    least: tuple[str, str] | None = None


class Feature(Declared):
    """One feature, or one per key in `keys` and per window in `days`.

    `{key}`, `{parent}`, `{place}` and `{days}` in its texts and references are filled in for each.
    """

    name: Pattern
    meaning: Sentence
    unit: Annotated[str, Field(max_length=20)]
    phrase: Sentence
    concept: Pattern
    actionable: bool = False
    row: RowFunction | None = None
    of: tuple[str, ...] = ()
    stream: str | None = None
    keys: tuple[str, ...] = ()
    aggregate: Aggregate | None = None
    value: str | None = None
    days: tuple[Annotated[float, Field(gt=0)], ...] = ()
    since: str | None = None
    """A position stream: what has become known after its last entry under the same key did."""
    scale: float = 1.0
    parent: str | None = None
    weight: Annotated[float, Field(ge=0)] = 0.0
    derive: Derivation | None = None
    without: float | None = None
    """Value where the key has no history at all, such as 0 for what an order never had; of
    `since_mean` also where nothing is open."""
    plus: tuple[float, float] = (0.0, 0.0)
    """Added to numerator and denominator of a ratio, so that thin counts do not swing."""
    landmarks: tuple[MilestoneKind, ...] = ()
    waiting: bool = True
    """Whether models of orders that wait at these landmarks see it too."""
    input: bool = True
    """Whether a model sees it; a step towards other features may stay inside the engine."""
    hidden_keys: tuple[str, ...] = ()
    """Keys that are computed only as parents: a level of the whole network misleads trees, whose
    splits on it stand for calendar weeks."""

    @model_validator(mode="after")
    def _one_kind(self) -> Feature:
        if sum((self.row is not None, self.stream is not None, self.derive is not None)) != 1:
            raise ValueError("give exactly one of row, stream, derive")
        if self.stream is not None and not (self.keys and self.aggregate):
            raise ValueError("a history feature needs keys and aggregate")
        windowed = self.aggregate in WINDOWED
        windows = bool(self.days) + (self.since is not None)
        if self.stream is not None and windows != windowed:
            raise ValueError(
                f"{', '.join(sorted(WINDOWED))} need days or since; other aggregates have neither"
            )
        if self.since is not None and self.stream is None:
            raise ValueError("since goes with a stream")
        if self.derive is not None and len(self.of) != 2:
            raise ValueError("a derived feature is made of two others: of = [a, b]")
        return self


class Concept(Declared):
    """A reason as people think of it; the contributions of its features are shown as one.

    `cause` is what a delay is put down to where this reason raises the risk.
    """

    title: Sentence
    owner: Annotated[str, Field(min_length=2, max_length=60)]
    cause: Cause = "other"


class FamilyHead(Declared):
    """A family of features that is switched on only by its data."""

    name: Name
    title: Sentence
    owner: Annotated[str, Field(min_length=2, max_length=60)]
    requires: tuple[str, ...] = ()


class Family(Declared):
    """One file of `features/`: the head, its concepts and its features."""

    family: FamilyHead
    concept: dict[Name, Concept] = Field(default_factory=dict)
    feature: tuple[Feature, ...]


class Declarations(Declared):
    """Everything in `features/`: keys, streams, families, in file order."""

    keys: dict[Name, Key]
    streams: dict[Name, Stream]
    families: tuple[Family, ...]

    @property
    def fingerprint(self) -> str:
        """Return sha256 (hex) of the declarations, whatever their comments and layout."""
        plain = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(plain.encode()).hexdigest()

    @property
    def concepts(self) -> dict[str, Concept]:
        """Return every concept by name."""
        return {name: c for family in self.families for name, c in family.concept.items()}


def load(configured: Path | None = None) -> Declarations:
    """Read `features/` of the workspace.

    Raises:
        DeclarationError: if a file does not follow the declarations' form; names file and field.
    """
    found = workspace.names("features", ".toml", configured)
    texts = {name: workspace.read_toml(f"features/{name}.toml", configured) for name in found}
    base = texts.pop("streams", None)
    if base is None:
        raise DeclarationError("features/streams.toml is missing: it declares keys and streams")
    families = tuple(
        workspace.fitted(Family, text, f"features/{name}.toml") for name, text in texts.items()
    )
    return parse({"keys": base.get("keys", {}), "streams": base.get("streams", {})}, families)


def parse(base: dict[str, Any], families: tuple[Family, ...]) -> Declarations:
    """Return checked declarations from their parts.

    Raises:
        DeclarationError: naming what does not fit.
    """
    try:
        return Declarations(families=families, **base)
    except ValidationError as error:
        raise DeclarationError(f"features/streams.toml: {workspace.first_fault(error)}") from error


def thaw(frozen: str) -> Declarations:
    """Return declarations from the JSON text that a bundle carries.

    Raises:
        DeclarationError: if it is not what `model_dump_json` wrote.
    """
    try:
        return Declarations.model_validate_json(frozen)
    except ValidationError as error:
        raise DeclarationError(f"frozen declarations: {workspace.first_fault(error)}") from error
