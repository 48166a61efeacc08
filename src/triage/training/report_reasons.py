"""Section on what moves the expected delivery: mean |contribution| by concept and by feature."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt
import pandas as pd

from triage.errors import DeclarationError
from triage.features.compile import Slot, compile_features
from triage.features.declarations import thaw
from triage.training.report_blocks import Section, Table
from triage.training.report_charts import meter
from triage.training.report_figures import landmark_title, shares
from triage.training.run import TrainingRun

Floats = npt.NDArray[np.float64]
_TOP = 15


def reasons(run: TrainingRun) -> Section | None:
    """Return the SHAP summary of a run; None if no rows were explained."""
    slots, titles = _declared(run.declarations)
    tables = []
    for landmark, (features, contributions) in run.explained.items():
        if not len(features):
            continue
        names = [str(name) for name in features.columns]
        title = landmark_title(landmark)
        tables.append(
            _table(
                f"By concept, {title}",
                ("reason", "effect", "", "inputs"),
                _by_concept(names, contributions, slots, titles),
                False,
            )
        )
        tables.append(
            _table(
                f"The {_TOP} strongest inputs, {title}",
                ("input", "effect", "", "name"),
                _by_feature(names, contributions, slots),
                True,
            )
        )
    if not tables:
        return None
    rows = max(len(features) for features, _ in run.explained.values())
    words = [
        "Mean size of the exact SHAP contributions to the expected days until delivery (log scale,"
        f" so that 5 % means: typically 5 % sooner or later), over up to {rows:,} orders spread"
        " over the whole history. Association, not proof of cause."
    ]
    return Section("reasons", "Reasons", "What moves the expected delivery", words, (), tables)


def _by_concept(
    names: list[str], contributions: Floats, slots: dict[str, Slot], titles: dict[str, str]
) -> list[tuple[str, float, str]]:
    concept = [slots[name].concept if name in slots else "other" for name in names]
    summed = pd.DataFrame(contributions.T).groupby(concept).sum()
    counts = Counter(concept)
    found = [
        (titles.get(str(key), str(key)), float(row.abs().mean()), f"{counts[str(key)]:,}")
        for key, row in summed.iterrows()
    ]
    return sorted(found, key=lambda each: -each[1])


def _by_feature(
    names: list[str], contributions: Floats, slots: dict[str, Slot]
) -> list[tuple[str, float, str]]:
    size = np.abs(contributions).mean(axis=0)
    order = np.argsort(-size, kind="stable")[:_TOP]
    return [
        (slots[names[i]].meaning if names[i] in slots else names[i], float(size[i]), names[i])
        for i in order
    ]


def _table(
    caption: str, head: tuple[str, ...], rows: list[tuple[str, float, str]], folded: bool
) -> Table:
    bars = shares([size for _, size, _ in rows])
    cells = [
        [words, f"{100 * np.expm1(size):.1f} %", meter(bar), last]
        for (words, size, last), bar in zip(rows, bars, strict=True)
    ]
    return Table(caption, head, cells, folded=folded)


def _declared(declarations: str) -> tuple[dict[str, Slot], dict[str, str]]:
    """Return features by name and titles of concepts; none if this version cannot read them."""
    try:
        declared = thaw(declarations)
        sources = {source for family in declared.families for source in family.family.requires}
        compiled = compile_features(declared, sources)
    except DeclarationError:
        return {}, {}
    slots = {slot.name: slot for slot in compiled.slots}
    return slots, {name: concept.title for name, concept in declared.concepts.items()}
