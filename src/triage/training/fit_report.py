"""Does this company's data fit: which families are on, what is missing, and what it would bring."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from triage.domain.clock import from_micros
from triage.features import declarations as declared
from triage.features.availability import available
from triage.features.compile import compile_features
from triage.history.health import Health, Month, examine
from triage.history.log import Log
from triage.training import family_worth, fit_needs
from triage.training import recipe as recipes
from triage.training.family_worth import GROUPS, Worth
from triage.training.fit_advice import advise

_WHOLE = 0.8


@dataclass(frozen=True, slots=True)
class FamilyFit:
    """One family of features: on, or off for want of `lacks` (source names)."""

    name: str
    title: str
    lacks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Absent:
    """A source that is not there, and what lives on it.

    Attributes:
        source: its name, such as `milestone.shipment_dispatched`.
        reasons: titles of the reasons that would know more.
        inputs: how many declared inputs of the models are empty, or no finer than a wider key.
    """

    source: str
    reasons: tuple[str, ...]
    inputs: int


@dataclass(frozen=True, slots=True)
class FitReport:
    """What `triage fit-report` says.

    Attributes:
        titles: of the sources.
        extracted_at: when the latest extract was taken, ISO 8601.
        health: what of the data matters for prediction.
        families: all, in the order of their files.
        stages: landmarks of the recipe that occur, and those that do not.
        absent: sources that are not there, by how many inputs live on them.
        needs: rows that the recipe wants to learn from, months that it judges by.
        quoted_from: what the worths of `quoted` were measured on.
        quoted: worth of the groups of sources that are not there, on the simulated distributor.
        measured: worth of those that are there, on this data; empty unless it was asked for.
        advice: what to do, most important first.
    """

    titles: tuple[str, ...]
    extracted_at: str
    health: Health
    families: tuple[FamilyFit, ...]
    stages: tuple[tuple[str, ...], tuple[str, ...]]
    absent: tuple[Absent, ...]
    needs: tuple[int, int]
    quoted_from: str
    quoted: tuple[Worth, ...]
    measured: tuple[Worth, ...]
    advice: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """Return everything as plain values for JSON."""
        return asdict(self)


def fit_report(
    name: str, home: Path, *, workspace: Path | None = None, measured: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> FitReport:  # fmt: skip
    """Examine the log against the declared features and a recipe.

    Args:
        name: the recipe, `training/<name>.toml`.
        home: where the log is.
        workspace: the declarations, if not those that came with the package.
        measured: also measure on this data what each group of sources is worth (minutes).
        progress: told what is being done.

    Raises:
        HistoryError: if there is no log.
        DeclarationError: if a declaration cannot be used.
        NotEnoughHistoryError: if worth cannot be measured on so little.
    """
    progress("reading the log")
    recipe, _ = recipes.load(name, workspace)
    declarations = declared.load(workspace)
    history = Log(home).read()
    there = available(history)
    progress("examining")
    health = examine(history)
    off = compile_features(declarations, there).switched_off
    kinds = {milestone.kind for milestone in health.milestones} | {"order_created"}
    stages = tuple(str(landmark.value) for landmark in recipe.landmarks)
    quoted_from, table = family_worth.read(workspace)
    worths: tuple[Worth, ...] = ()
    if measured:
        months = whole_months(health.months, history.extracted_at, recipe.evaluation.months)
        worths = family_worth.measure(history, declarations, recipe, months, GROUPS, progress)
    absent = tuple(
        Absent(source, *lost)
        for source, lost in fit_needs.missing(declarations, there).items()
    )  # fmt: skip
    needs = (recipe.evaluation.least_train_rows, recipe.evaluation.months)
    return FitReport(
        titles=tuple(source.title for source in history.sources),
        extracted_at=from_micros(history.extracted_at).isoformat(),
        health=health,
        families=tuple(
            FamilyFit(f.family.name, f.family.title, off.get(f.family.name, ()))
            for f in declarations.families
        ),
        stages=(
            tuple(stage for stage in stages if stage in kinds),
            tuple(stage for stage in stages if stage not in kinds),
        ),
        absent=absent,
        needs=needs,
        quoted_from=quoted_from,
        quoted=tuple(worth for worth in table if not there & set(GROUPS[worth.group])),
        measured=worths,
        advice=advise(health, history.sources[0].promise, needs),
    )


def whole_months(months: Sequence[Month], extracted_at: int, count: int) -> list[str]:
    """Return the latest months that are over and nearly all of whose promises have passed."""
    current = f"{from_micros(extracted_at):%Y-%m}"
    whole = [
        month.month
        for month in months
        if month.orders and month.month < current and month.judged >= _WHOLE * month.orders
    ]
    return whole[-count:]
