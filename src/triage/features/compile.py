"""From declarations to integer tables: the program that one table-driven kernel runs."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from triage.domain.clock import MICROS_PER_DAY, MICROS_PER_HOUR
from triage.errors import DeclarationError
from triage.features.declarations import Declarations, Family, Feature, Key, Stream
from triage.features.facts import (
    KEY_FIELDS,
    LINE_FIELDS,
    MILESTONES,
    NUMBERS,
    NUMBERS_OF,
    STOCK_KEY_FIELDS,
    TIME,
    TIMES_OF,
    Subject,
)

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
T = TypeVar("T")


class StreamKind(IntEnum):
    """How a stream's entries come from an order (or, for positions, from stock records)."""

    EVENT = 0
    INTERVAL = 1
    OUTCOME = 2
    CHECKPOINT = 3
    POSITION = 4


class ValueKind(IntEnum):
    """What an entry's value column holds."""

    MINUTES = 0
    NUMBER = 1
    LATE = 2
    LOG_DAYS = 3
    AFTER = 4
    OPEN = 5
    WORKDAYS = 6
    WORKTIME = 7
    CLOCK = 8


class Op(IntEnum):
    """What a slot of the feature row is computed from."""

    NUMBER = 0
    BETWEEN = 1
    SINCE = 2
    UNTIL = 3
    LOG_DAYS_UNTIL = 4
    HOUR_OF_DAY = 5
    HOUR_OF_WEEK = 6
    DAY_OF_WEEK = 7
    DAY_OF_YEAR = 8
    DAY_OF_WEEK_OF = 9
    HOLIDAYS_UNTIL = 10
    WORKDAYS_UNTIL = 11
    WORKDAYS_AHEAD = 12
    LOG_DAYS_SINCE = 13
    LOG_DAYS_BETWEEN = 14
    WORKDAYS_BETWEEN = 15
    SCARCE_QUANTITY = 16
    WORKTIME_UNTIL = 17
    WORKTIME_SINCE = 18
    WORKTIME_AHEAD = 19
    COUNT = 20
    SUM = 21
    MEAN = 22
    SINCE_LAST = 23
    LAST = 24
    LEVEL = 25
    SINCE_NEWEST = 26
    SINCE_MEAN = 27
    DIFFERENCE = 28
    RATIO = 29
    PRODUCT = 30
    TOTAL = 31


MAX_COLUMNS = 8
LINE_QUANTITY_PER = 1000
"""A line's quantity is held in thousandths, so that it is a whole number."""
_NO_SCARCITY = (-1, 0, 0)
_OTHER_UNIT = {"hours": 1.0 / MICROS_PER_HOUR, "days": 1.0 / MICROS_PER_DAY}


class Program(NamedTuple):
    """The integer tables.

    Attributes:
        streams: (streams, 10): kind, from, to, min age, max age (micros), columns, first value,
            values, share of the promise (thousandths), subject. Only values that a slot looks at
            are carried.
        values: (values, 4): kind, a, b, multiplier. Column 0 of an entry is its count (0 or 1);
            each value takes two columns: its sum and the number of entries that have it.
        tables: (tables, 3): stream, key set, columns.
        cursors: (cursors, 4): table, window in micros (0: since ever), 1 if the key is that of the
            scarcest line, table since whose last entry under the same key is counted (-1: none).
        slots: (slots, 6): op, a, b, cursor, column, parent slot (-1: none).
        factors: (slots, 3): scale, prior weight (of a ratio: added to its numerator), added to
            the denominator (of a history slot: its value where its key has no history at all).
        tolerance: micros after the promise that still count as on time.
        scarcity: (3,): table (-1: no slot asks), column and key set by whose last value the
            scarcest line is found.
    """

    streams: Ints
    values: Ints
    tables: Ints
    cursors: Ints
    slots: Ints
    factors: Floats
    tolerance: int
    scarcity: Ints


@dataclass(frozen=True, slots=True)
class Slot:
    """One feature as compiled, with key and window filled in.

    Attributes:
        name: the column's name.
        family: the family that it belongs to.
        feature: the declaration that it came from.
        key: name of its key, if it has one.
        days: its window, if it has one.
        of: names of the features or times that it is made of.
        parent: name of the slot that a thin history shrinks towards.
        meaning: what it is.
        phrase: how to say it to a person, with `{value}` and `{typical}` left open.
        concept: the reason that it belongs to.
    """

    name: str
    family: str
    feature: Feature
    key: str | None
    days: float | None
    of: tuple[str, ...]
    parent: str | None
    meaning: str
    phrase: str
    concept: str

    @property
    def is_input(self) -> bool:
        """Return whether a model may look at it, or it is only a step towards others."""
        return self.feature.input and self.key not in self.feature.hidden_keys


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """Compiled features: what is computed, in which order, and which families are off and why."""

    declarations: Declarations
    available: frozenset[str]
    slots: tuple[Slot, ...]
    keysets: tuple[tuple[str, ...], ...]
    program: Program
    switched_off: dict[str, tuple[str, ...]]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the column names of a feature row."""
        return tuple(slot.name for slot in self.slots)

    def keysets_of(self, subject: Subject) -> tuple[int, ...]:
        """Return the key sets under which a subject is held; none: no feature looks at it."""
        program = self.program
        held = program.streams[program.tables[:, 0], 9] == int(subject)
        return tuple(sorted(set(program.tables[held, 1].tolist())))

    def inputs(self, landmark: str) -> tuple[str, ...]:
        """Return the names that a model of this landmark sees."""
        return tuple(
            slot.name
            for slot in self.slots
            if slot.is_input and (not slot.feature.landmarks or landmark in slot.feature.landmarks)
        )


def compile_features(
    declarations: Declarations,
    available: Collection[str],
    *,
    tolerance_hours: float = 0.0,
    only: Collection[str] | None = None,
) -> FeatureSet:
    """Compile the families whose sources are available.

    Args:
        declarations: what is declared.
        available: source names that hold data, such as `order.carrier` or `inventory_position`.
        tolerance_hours: hours after the promise that still count as on time (label contract).
        only: compute these and what they are made of; None computes everything that is on.

    Raises:
        DeclarationError: naming family and feature for anything that cannot be computed.
    """
    off = {
        family.family.name: missing
        for family in declarations.families
        if (missing := tuple(s for s in family.family.requires if s not in available))
    }
    on = (f for f in declarations.families if f.family.name not in off)
    slots = _in_order(tuple(_slots(on, declarations.keys)), only)
    builder = _Builder(declarations, slots)
    program = builder.program(int(tolerance_hours * MICROS_PER_HOUR))
    return FeatureSet(
        declarations, frozenset(available), slots, tuple(builder.keysets), program, off
    )


def _slots(families: Iterable[Family], keys: Mapping[str, Key]) -> Iterable[Slot]:
    seen: set[str] = set()
    for family in families:
        for feature in family.feature:
            for key in feature.keys or (None,):
                for days in feature.days or (None,):
                    slot = _slot(family.family.name, feature, key, days, keys)
                    if slot.name in seen:
                        raise DeclarationError(f"{slot.family}: {slot.name} is declared twice")
                    seen.add(slot.name)
                    yield slot


def _in_order(slots: tuple[Slot, ...], only: Collection[str] | None) -> tuple[Slot, ...]:
    """Return the wanted slots so that each comes after those it is made of, else as declared."""
    by_name = {slot.name: slot for slot in slots}
    placed: dict[str, Slot] = {}

    def place(slot: Slot, via: tuple[str, ...]) -> None:
        if slot.name in via:
            raise DeclarationError(f"{slot.family}: {' -> '.join((*via, slot.name))} is a circle")
        needed = (
            *(slot.of if slot.feature.derive else ()),
            *([slot.parent] if slot.parent else ()),
        )
        for name in needed:
            if name in by_name and name not in placed:
                place(by_name[name], (*via, slot.name))
        placed.setdefault(slot.name, slot)

    for slot in slots:
        if only is None or slot.name in only:
            place(slot, ())
    return tuple(placed.values())


def _slot(
    family: str, feature: Feature, key: str | None, days: float | None, keys: Mapping[str, Key]
) -> Slot:
    if key is not None and key not in keys:
        raise DeclarationError(f"{family}: {feature.name}: {key} is no key: {', '.join(keys)}")
    declared = None if key is None else keys[key]
    wider = declared.parent if declared else None
    window = "" if days is None else f"{days:g}"

    def filled(text: str) -> str:
        words = {"key": key, "parent": wider, "place": declared and declared.place, "days": window}
        for name, word in words.items():
            text = text.replace("{" + name + "}", word or "")
        return text

    suffix = "" if days is None else f"_{window}d"
    parent = None
    if feature.parent is not None and ("{parent}" not in feature.parent or wider):
        parent = filled(feature.parent) + suffix
    return Slot(
        filled(feature.name) + suffix, family, feature, key, days,
        tuple(filled(name) for name in feature.of), parent, filled(feature.meaning),
        filled(feature.phrase), filled(feature.concept),
    )  # fmt: skip


class _Builder:
    """Collects tables while slots are compiled."""

    def __init__(self, declarations: Declarations, slots: tuple[Slot, ...]) -> None:
        self.declarations = declarations
        self.slots = slots
        self.keysets: list[tuple[str, ...]] = []
        self._streams: dict[str, int] = {}
        self._tables: dict[tuple[int, int], int] = {}
        self._cursors: dict[tuple[int, int, int, int], int] = {}
        self._least = _least(declarations, slots)
        self._carried = _carried(declarations, slots, self._least)
        self._position = {slot.name: at for at, slot in enumerate(slots)}

    def program(self, tolerance: int) -> Program:
        rows = [self._slot(slot) for slot in self.slots]
        scarcity = self._scarcity()
        streams, values = self._stream_tables()
        columns = [streams[stream][5] for stream, _ in self._tables]
        tables = [(s, k, c) for (s, k), c in zip(self._tables, columns, strict=True)]
        return Program(
            _table(streams, 10), _table(values, 4), _table(tables, 3), _table(self._cursors, 4),
            _table([row for row, _ in rows], 6),
            np.array([f for _, f in rows], dtype=np.float64).reshape(-1, 3),
            tolerance, np.array(scarcity, dtype=np.int64),
        )  # fmt: skip

    def _slot(self, slot: Slot) -> tuple[tuple[int, ...], tuple[float, ...]]:
        feature = slot.feature
        try:
            if feature.row is not None:
                return _row_slot(slot)
            if feature.derive is not None:
                a, b = (self._other(name) for name in slot.of)
                factors = (feature.scale, *feature.plus)
                return (int(Op[feature.derive.upper()]), a, b, -1, -1, -1), factors
            return self._history_slot(slot)
        except (KeyError, ValueError) as error:
            raise DeclarationError(f"features/{slot.family}.toml: {slot.name}: {error}") from error

    def _history_slot(self, slot: Slot) -> tuple[tuple[int, ...], tuple[float, ...]]:
        feature = slot.feature
        assert feature.stream is not None  # noqa: S101
        assert feature.aggregate is not None  # noqa: S101
        stream = _known(self.declarations.streams, feature.stream, "stream")
        if (stream.kind == "interval") != (feature.aggregate in _OF_INTERVALS):
            raise ValueError(f"{' and '.join(_OF_INTERVALS)} go with interval streams, only these")
        cursor = self._cursor(slot)
        column = 0
        if feature.value is not None:
            if feature.value not in stream.values:
                raise ValueError(f"stream {feature.stream} carries no {feature.value}")
            column = self._column(feature.stream, feature.value)
        elif feature.aggregate not in _WITHOUT_VALUE:
            raise ValueError(f"aggregate {feature.aggregate} needs a value")
        moments = column > 0 and stream.values[str(feature.value)].worktime is not None
        if moments != (feature.aggregate in _OF_MOMENTS):
            raise ValueError(f"{' and '.join(_OF_MOMENTS)} go with worktime values, only these")
        parent = -1 if slot.parent is None else self._other(slot.parent)
        row = (int(Op[feature.aggregate.upper()]), -1, -1, cursor, column, parent)
        nothing = math.nan if feature.without is None else feature.without
        return row, (feature.scale, feature.weight, nothing)

    def _column(self, stream: str, value: str) -> int:
        return 1 + 2 * self._carried[stream].index(value)

    def _scarcity(self) -> tuple[int, int, int]:
        if self._least is None:
            return _NO_SCARCITY
        stream, value = self._least
        keyset = self._keyset("least", STOCK_KEY_FIELDS, Subject.POSITION)
        return self._table(stream, keyset), self._column(stream, value), keyset

    def _cursor(self, slot: Slot) -> int:
        name = str(slot.feature.stream)
        key = self.declarations.keys[str(slot.key)]
        subject = _subject(self.declarations.streams[name])
        if key.least is not None and key.fields != STOCK_KEY_FIELDS:
            raise ValueError(f"key {slot.key}: `least` goes with fields {list(STOCK_KEY_FIELDS)}")
        keyset = self._keyset(str(slot.key), key.fields, subject)
        window = 0 if slot.days is None else round(slot.days * MICROS_PER_DAY)
        since = -1
        if slot.feature.since is not None:
            counts = _known(self.declarations.streams, slot.feature.since, "stream")
            if counts.kind != "position" or key.fields != STOCK_KEY_FIELDS:
                raise ValueError("since names a position stream, under keys of site and sku")
            since = self._table(slot.feature.since, keyset)
        cursor = (self._table(name, keyset), window, int(key.least is not None), since)
        return self._cursors.setdefault(cursor, len(self._cursors))

    def _keyset(self, key: str, fields: tuple[str, ...], subject: Subject) -> int:
        for field in fields:
            if field not in _KEYED_BY[subject]:
                allowed = ", ".join(_KEYED_BY[subject])
                raise ValueError(f"key {key}: {field} is none of {allowed}")
        if fields not in self.keysets:
            self.keysets.append(fields)
        return self.keysets.index(fields)

    def _table(self, stream: str, keyset: int) -> int:
        number = self._streams.setdefault(stream, len(self._streams))
        return self._tables.setdefault((number, keyset), len(self._tables))

    def _other(self, name: str) -> int:
        position = self._position.get(name)
        if position is None:
            raise ValueError(f"{name} is no feature (or its family is switched off)")
        return position

    def _stream_tables(self) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
        streams: list[tuple[int, ...]] = []
        values: list[tuple[int, ...]] = []
        for name in self._streams:
            stream = self.declarations.streams[name]
            first = len(values)
            try:
                carried = self._carried.get(name, ())
                values.extend(_value(stream, key) for key in carried)
                streams.append(_stream(stream, first, len(carried)))
            except (KeyError, ValueError) as error:
                raise DeclarationError(f"features/streams.toml: {name}: {error}") from error
        return streams, values


_OF_INTERVALS, _OF_MOMENTS = ("level", "since_mean"), ("since_newest", "since_mean")
_WITHOUT_VALUE = frozenset({"count", "level", "since_last"})
_KEYED_BY: dict[Subject, tuple[str, ...]] = {
    Subject.ORDER: KEY_FIELDS,
    Subject.LINE: LINE_FIELDS,
    Subject.POSITION: STOCK_KEY_FIELDS,
    Subject.EXCEPTION: KEY_FIELDS,
    Subject.SUPPLY: STOCK_KEY_FIELDS,
    Subject.STAFFING: ("site",),
}


def _subject(stream: Stream) -> Subject:
    return Subject.POSITION if stream.kind == "position" else Subject[stream.of.upper()]


def _least(declarations: Declarations, slots: tuple[Slot, ...]) -> tuple[str, str] | None:
    """Return the stream and value by which the scarcest line is found, if a slot asks for it.

    Raises:
        DeclarationError: if keys disagree, or a slot asks and no key says.
    """
    by_name = {name: key.least for name, key in declarations.keys.items() if key.least}
    asked = [slot for slot in slots if slot.key in by_name or slot.feature.row == "scarce_quantity"]
    if not asked:
        return None
    if len(set(by_name.values())) != 1:
        raise DeclarationError("features/streams.toml: keys need one and the same `least`")
    stream, value = next(iter(by_name.values()))
    declared = declarations.streams.get(stream)
    if declared is None or declared.kind != "position" or value not in declared.values:
        raise DeclarationError(f"features/streams.toml: least = {stream}, {value} is no position's")
    return stream, value


def _carried(
    declarations: Declarations, slots: tuple[Slot, ...], least: tuple[str, str] | None
) -> dict[str, tuple[str, ...]]:
    """Return the values of each stream that some slot looks at, in the order of declaration."""
    wanted = {(str(slot.feature.stream), slot.feature.value) for slot in slots} | {least}
    return {
        name: tuple(value for value in stream.values if (name, value) in wanted)
        for name, stream in declarations.streams.items()
    }


def _row_slot(slot: Slot) -> tuple[tuple[int, ...], tuple[float, ...]]:
    feature, of = slot.feature, slot.of
    function = str(feature.row)
    factors = (feature.scale, 0.0, 0.0)
    if function == "number":
        return (Op.NUMBER, _index(NUMBERS, of[0], "number"), -1, -1, -1, -1), factors
    if function == "scarce_quantity":
        factors = (feature.scale / LINE_QUANTITY_PER, 0.0, 0.0)
        return (Op.SCARCE_QUANTITY, -1, -1, -1, -1, -1), factors
    unit, _, what = function.partition("_")
    times = [_known(TIME, name, "time") for name in of] + [-1, -1]
    if unit in _OTHER_UNIT:
        op = Op[what.upper()]
        if len(of) != (2 if op == Op.BETWEEN else 1):
            raise ValueError(f"{function} takes {2 if op == Op.BETWEEN else 1} time(s) in `of`")
        return (op, times[0], times[1], -1, -1, -1), (feature.scale * _OTHER_UNIT[unit], 0.0, 0.0)
    if function in {"log_days_between", "workdays_between"}:
        return (Op[function.upper()], times[0], times[1], -1, -1, -1), factors
    ahead = -1 if slot.days is None else round(slot.days)
    return (Op[function.upper()], times[0], ahead, -1, -1, -1), factors


def _stream(stream: Stream, first: int, values: int) -> tuple[int, ...]:
    subject = _subject(stream)
    times = TIMES_OF[subject]
    ends_with = MILESTONES if subject == Subject.ORDER else times
    start = -1 if stream.at is None else _index(times, stream.at, "time")
    end = -1 if stream.ends is None else _index(ends_with, stream.ends, "milestone")
    if stream.kind == "position":
        start = 0
    if subject != Subject.ORDER and stream.kind in {"outcome", "checkpoint"}:
        raise ValueError(f"{stream.kind} goes with orders only")
    if stream.min_age_hours < 0 and stream.kind != "interval":
        raise ValueError("a negative min_age_hours goes with an interval only")
    if stream.kind in {"event", "interval", "checkpoint"} and start < 0:
        raise ValueError("needs `at`")
    if stream.kind in {"interval", "checkpoint"} and end < 0:
        raise ValueError("needs `ends`")
    columns = 1 + 2 * values
    if columns > MAX_COLUMNS:
        raise ValueError(f"at most {(MAX_COLUMNS - 1) // 2} values")
    return (
        int(StreamKind[stream.kind.upper()]), start, end,
        round(stream.min_age_hours * MICROS_PER_HOUR), round(stream.max_age_days * MICROS_PER_DAY),
        columns, first, values, round(stream.share_of_promise * 1000), int(subject),
    )  # fmt: skip


def _value(stream: Stream, name: str) -> tuple[int, ...]:
    value = stream.values[name]
    for flag, kind in (("available", "position"), ("late", "outcome"), ("open", "checkpoint")):
        if getattr(value, flag) and stream.kind != kind:
            raise ValueError(f"`{flag}` goes with a {kind} stream")
    subject = _subject(stream)
    number = "available" if value.available else value.number
    if number is not None:
        at = _index(NUMBERS_OF[subject], number, "number")
        return int(ValueKind.NUMBER), at, -1, value.per
    if value.late or value.open:
        return int(ValueKind.LATE if value.late else ValueKind.OPEN), -1, -1, 1
    if stream.kind == "interval" and (value.worktime is None or value.worktime != stream.at):
        raise ValueError("an interval carries numbers, and the worktime of its `at`")
    times_of = {time: column for column, time in enumerate(TIMES_OF[subject])}
    for name_of_kind in ("worktime", "clock"):
        time = getattr(value, name_of_kind)
        if time is not None:
            at = _known(times_of, time, "time")
            return int(ValueKind[name_of_kind.upper()]), at, at, 1
    for name_of_kind in ("minutes", "log_days", "workdays", "after"):
        times = getattr(value, name_of_kind)
        if times is not None:
            a, b = (_known(times_of, time, "time") for time in times)
            return int(ValueKind[name_of_kind.upper()]), a, b, 1
    raise ValueError("carries nothing")


def _known(table: Mapping[str, T], name: str, what: str) -> T:
    if name not in table:
        raise ValueError(f"{name} is no {what}; there is: {', '.join(table)}")
    return table[name]


def _index(names: tuple[str, ...], name: str, what: str) -> int:
    if name not in names:
        raise ValueError(f"{name} is no {what}; there is: {', '.join(names)}")
    return names.index(name)


def _table(rows: Iterable[tuple[int, ...]], width: int) -> Ints:
    return np.array(list(rows), dtype=np.int64).reshape(-1, width)
