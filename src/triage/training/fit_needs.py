"""Which sources each feature lives on, so that a report can say what is empty for want of what."""

from __future__ import annotations

from collections.abc import Collection

from triage.features.compile import FeatureSet, Slot, compile_features
from triage.features.declarations import Declarations, Stream, StreamValue
from triage.features.facts import DUE_BY, KEY_FIELDS, MILESTONES

_LINE_FIELDS = {"site", "site_region", "site_area", "category", "sku"}
_NUMBER_SOURCES: dict[str, tuple[str, ...]] = {
    "value": ("order_line.unit_price",),
    "freight": ("order_line.freight",),
    "line_count": ("order_line.sku",),
    "site_count": ("order_line.site",),
    "quantity": ("order_line.quantity",),
    "weight_kg": ("order_line.weight_kg",),
    "heaviest_kg": ("order_line.weight_kg",),
    "volume_l": ("order_line.volume_l",),
    "distance_km": ("order_line.site_latitude", "order.destination_latitude"),
    "same_region": ("order_line.site_region", "order.destination_region"),
    "installments": ("order.payment_installments",),
    "priority_rank": ("order.priority",),
    "transit_days": ("order.transit_days",),
    "destination_latitude": ("order.destination_latitude",),
    "destination_longitude": ("order.destination_longitude",),
    "site_latitude": ("order_line.site_latitude",),
    "site_longitude": ("order_line.site_longitude",),
}


def needs(declarations: Declarations) -> dict[str, tuple[Slot, frozenset[str]]]:
    """Return every declared model input with the sources without which it is empty or general.

    A history feature whose key is not known falls back to a wider key; it counts as needing its own
    key all the same, for then it says nothing that the wider one does not say.
    """
    everything = {source for family in declarations.families for source in family.family.requires}
    compiled = compile_features(declarations, everything)
    found: dict[str, frozenset[str]] = {}
    for slot in compiled.slots:
        found[slot.name] = _of(slot, compiled, found)
    return {slot.name: (slot, found[slot.name]) for slot in compiled.slots if slot.is_input}


def missing(
    declarations: Declarations, available: Collection[str]
) -> dict[str, tuple[tuple[str, ...], int]]:
    """Return source that is not there -> titles of the reasons that it would inform, and inputs.

    Sources that are there do not appear; an input that lacks two sources counts for both.
    """
    titles = {name: concept.title for name, concept in declarations.concepts.items()}
    lost: dict[str, list[Slot]] = {}
    for slot, sources in needs(declarations).values():
        for source in sources - set(available):
            lost.setdefault(source, []).append(slot)
    return {
        source: (tuple(dict.fromkeys(titles[slot.concept] for slot in slots)), len(slots))
        for source, slots in sorted(lost.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    }


def _of(slot: Slot, compiled: FeatureSet, found: dict[str, frozenset[str]]) -> frozenset[str]:
    declared = compiled.declarations
    family = next(f.family for f in declared.families if f.family.name == slot.family)
    sources = set(family.requires)
    feature = slot.feature
    if feature.derive is not None:
        return frozenset(sources.union(*(found.get(name, frozenset()) for name in slot.of)))
    for name in feature.of:
        sources |= _fact(name)
    if feature.stream is not None:
        stream = declared.streams[feature.stream]
        sources |= _stream(stream, None if feature.value is None else stream.values[feature.value])
    if slot.key is not None:
        sources |= {_field(name) for name in declared.keys[slot.key].fields}
    return frozenset(sources)


def _stream(stream: Stream, value: StreamValue | None) -> set[str]:
    if stream.kind == "position":
        return {"inventory_position"}
    if stream.of == "staffing":
        return {"staffing"}
    times = [time for time in (stream.at, stream.ends) if time is not None]
    if value is not None:
        for pair in (value.minutes, value.log_days, value.workdays, value.after):
            times += pair or ()
        times += [time for time in (value.worktime, value.clock) if time is not None]
    return {source for time in times for source in _fact(time)} | (
        {"milestone.delivered"} if stream.kind == "outcome" else set()
    )


def _fact(name: str) -> set[str]:
    if name in MILESTONES[1:]:
        return {f"milestone.{name}"}
    if name == DUE_BY:
        return {"milestone.due_by"}
    return set(_NUMBER_SOURCES.get(name, ()))


def _field(name: str) -> str:
    if name not in KEY_FIELDS or name == "destination_zone":
        return "order.destination_area"
    return f"{'order_line' if name in _LINE_FIELDS else 'order'}.{name}"
