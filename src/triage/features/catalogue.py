"""The catalogue of features, for people: what each is, whose it is, how it is said."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from triage.features.compile import FeatureSet


def switches(features: FeatureSet) -> Text:
    """Return which families are on, and which are off for want of what."""
    text = Text()
    for family in features.declarations.families:
        missing = features.switched_off.get(family.family.name)
        state = "on " if missing is None else "off"
        text.append(f"{state} {family.family.name}", style="green" if missing is None else "yellow")
        text.append(f"  {family.family.title}")
        if missing is not None:
            text.append(f" (no {', '.join(missing)})", style="yellow")
        text.append("\n")
    return text


def as_table(features: FeatureSet) -> Table:
    """Return every input of a model with its meaning and owner."""
    concepts = features.declarations.concepts
    table = Table("feature", "meaning", "unit", "who can act", box=None, pad_edge=False)
    for slot in features.slots:
        if slot.is_input:
            owner = concepts[slot.concept].owner if slot.feature.actionable else ""
            table.add_row(slot.name, slot.meaning, slot.feature.unit, owner)
    return table
