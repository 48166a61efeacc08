"""A small source for tests: its mapping passes canonical columns through unchanged."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from triage.history.importer import import_extract
from triage.history.log import Log
from triage.history.report import ImportReport

COLUMNS = {
    "order": (
        "order_id",
        "event_time",
        "record_time",
        "promised_by",
        "customer_name",
        "currency",
        "payment_installments",
        "destination_latitude",
    ),
    "order_line": ("order_id", "line_no", "sku", "quantity", "unit_price"),
    "milestone": ("order_id", "milestone", "event_time", "record_time", "due_by"),
    "inventory_position": ("sku", "site", "event_time", "record_time", "on_hand", "allocated"),
    "exception_event": (
        "exception_id",
        "phase",
        "event_time",
        "record_time",
        "order_id",
        "source",
        "code",
        "text",
    ),
    "inbound_supply": (
        "supply_id",
        "phase",
        "event_time",
        "record_time",
        "sku",
        "site",
        "quantity",
        "expected_by",
    ),
    "staffing": ("site", "event_time", "record_time", "hours"),
}
FILES = {
    "order": "orders",
    "order_line": "lines",
    "milestone": "milestones",
    "inventory_position": "stock",
    "exception_event": "exceptions",
    "inbound_supply": "supplies",
    "staffing": "hours",
}
Row = dict[str, object]
TAKEN = datetime(2024, 6, 1, tzinfo=UTC)


@dataclass
class Small:
    """A mapping folder, an extract folder and a home under one temporary folder."""

    base: Path
    zone: str = "UTC"
    promise: str = "instant"

    def __post_init__(self) -> None:
        self.mapping.mkdir(parents=True, exist_ok=True)
        lines = [
            '[source]\nname = "small"\ntitle = "Small"',
            f'time_zone = "{self.zone}"\npromise = "{self.promise}"',
            'currency = "EUR"\ncountry = "DE"\n',
        ]
        for record, columns in COLUMNS.items():
            lines.append(f'[tables.{FILES[record]}]\nfile = "{FILES[record]}.csv"')
            lines.append(f"columns = {list(columns)}\nmay_be_empty = true\n".replace("'", '"'))
            sql = f"-- as it is\nSELECT * FROM {FILES[record]};\n"
            (self.mapping / f"{record}.sql").write_text(sql)
        lines.append("[records]")
        lines.extend(f'{record} = "{record}.sql"' for record in COLUMNS)
        (self.mapping / "mapping.toml").write_text("\n".join(lines))
        self.write()

    @property
    def mapping(self) -> Path:
        return self.base / "mapping"

    @property
    def extract(self) -> Path:
        return self.base / "extract"

    @property
    def home(self) -> Path:
        return self.base / "home"

    @property
    def log(self) -> Log:
        return Log(self.home)

    def write(
        self,
        order: list[Row] | None = None,
        order_line: list[Row] | None = None,
        milestone: list[Row] | None = None,
        inventory_position: list[Row] | None = None,
        exception_event: list[Row] | None = None,
        inbound_supply: list[Row] | None = None,
        staffing: list[Row] | None = None,
    ) -> None:
        """Write the extract's files; a record that is not given has a header only."""
        self.extract.mkdir(exist_ok=True)
        given = {
            "order": order,
            "order_line": order_line,
            "milestone": milestone,
            "inventory_position": inventory_position,
            "exception_event": exception_event,
            "inbound_supply": inbound_supply,
            "staffing": staffing,
        }
        for record, rows in given.items():
            path = self.extract / f"{FILES[record]}.csv"
            with path.open("w", encoding="utf-8", newline="") as handle:
                writer = csv.DictWriter(handle, COLUMNS[record], lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows or [])

    def load(
        self, extracted_at: datetime | None = TAKEN, place: Path | None = None
    ) -> ImportReport:
        return import_extract(
            self.mapping, place or self.extract, self.home, extracted_at=extracted_at
        )

    def quarantined(self) -> list[tuple[str, ...]]:
        """Return the rows of the only quarantine file, without its header."""
        (path,) = (self.home / "quarantine").iterdir()
        with path.open(encoding="utf-8", newline="") as handle:
            return [tuple(row) for row in csv.reader(handle)][1:]


def order(order_id: str = "A", **changes: object) -> Row:
    return {
        "order_id": order_id,
        "event_time": "2024-03-01 10:00:00",
        "promised_by": "2024-03-05 00:00:00",
    } | changes


def line(order_id: str = "A", **changes: object) -> Row:
    return {"order_id": order_id, "line_no": 1, "sku": "S", "unit_price": "2.5"} | changes


def milestone(order_id: str = "A", **changes: object) -> Row:
    return {
        "order_id": order_id,
        "milestone": "delivered",
        "event_time": "2024-03-04 10:00:00",
    } | changes


def stock(**changes: object) -> Row:
    return {"sku": "S", "site": "W", "event_time": "2024-03-01 00:00:00", "on_hand": 5} | changes


def trouble(exception_id: str = "E", **changes: object) -> Row:
    return {
        "exception_id": exception_id,
        "phase": "raised",
        "event_time": "2024-03-02 10:00:00",
        "source": "erp",
    } | changes


def supply(supply_id: str = "P", **changes: object) -> Row:
    return {
        "supply_id": supply_id,
        "phase": "ordered",
        "event_time": "2024-03-02 10:00:00",
        "sku": "S",
        "site": "W",
        "quantity": 4,
    } | changes


def hours(**changes: object) -> Row:
    return {"site": "W", "event_time": "2024-03-01 06:00:00", "hours": 31} | changes
