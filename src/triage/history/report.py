"""What an import did and what the data looks like: the facts, and how to show them to a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from triage.domain.clock import from_micros
from triage.history.files import ManifestState
from triage.history.mapping import RecordName
from triage.history.tables import SourceInfo


@dataclass(frozen=True, slots=True)
class RecordReport:
    """One record type of one import.

    Attributes:
        rows: rows that the mapping query gave.
        new: records added to the log.
        duplicates: records that the log had already, equal.
        conflicts: records that the log had already with other content; the first is kept.
        rejected: rows in quarantine.
        reasons: (column, reason) -> number of values.
        event_time: first and last, UTC micros; None without rows or times.
        record_time: likewise.
        null_share: column -> share of accepted rows without a value.
    """

    rows: int
    new: int
    duplicates: int
    conflicts: int
    rejected: int
    reasons: dict[tuple[str, str], int]
    event_time: tuple[int, int] | None
    record_time: tuple[int, int] | None
    null_share: dict[str, float]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Orders of this extract by what had become of them when it was taken."""

    on_time: int
    late: int
    open: int
    open_past_promise: int
    cancelled: int


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What `import_extract` did.

    Attributes:
        source: the source, with the extract's moment.
        records: per record type.
        files: file -> rows read.
        manifest: whether the extract's own list of files held ("verified"), left files out
            ("incomplete") or was not there ("absent").
        time_problems: sentence -> number of orders or milestones. They are loaded all the same.
        outcomes: what became of the orders of this extract.
        quarantine: the file with the rejected values, if there are any.
        batch: name of the batch in the log; None if nothing was new.
    """

    source: SourceInfo
    records: dict[RecordName, RecordReport]
    files: dict[str, int]
    manifest: ManifestState
    time_problems: dict[str, int]
    outcomes: Outcomes
    quarantine: Path | None
    batch: str | None

    @property
    def new(self) -> int:
        """Number of records added to the log."""
        return sum(record.new for record in self.records.values())

    @property
    def rejected(self) -> int:
        """Number of rows in quarantine."""
        return sum(record.rejected for record in self.records.values())


_MANIFEST_NOTE: dict[ManifestState, str] = {
    "verified": "The extract's list of files (rows, sha256) holds.",
    "incomplete": "The extract's list of files does not name all of them: a file that was cut short"
    " cannot be noticed for the others.",
    "absent": "The extract has no SHA256SUMS or manifest.json: a file that was cut short at the end"
    " of a line cannot be noticed.",
}


def render(report: ImportReport) -> RenderableType:
    """Return the report as something that a rich console prints."""
    parts: list[RenderableType] = [
        Text(f"{report.source.title}, as it stood on {_when(report.source.extracted_at)}", "bold"),
        _records_table(report),
        _outcome_line(report.outcomes),
    ]
    if report.time_problems:
        parts.append(_time_table(report.time_problems))
    for name, record in report.records.items():
        parts.extend(_reason_lines(name, record))
    if report.quarantine is not None:
        parts.append(Text(f"Rejected rows: {report.quarantine}", "yellow"))
    style = "green" if report.manifest == "verified" else "yellow"
    parts.append(Text(_MANIFEST_NOTE[report.manifest], style))
    if report.batch is None:
        parts.append(Text("Nothing new: the log is unchanged."))
    return Group(*parts)


def _records_table(report: ImportReport) -> Table:
    table = Table("record", "rows", "new", "known", "conflicts", "rejected", "first", "last")
    table.add_column("often missing")
    for name, record in report.records.items():
        first, last = record.event_time or (None, None)
        missing = sorted(record.null_share.items(), key=lambda pair: -pair[1])
        table.add_row(
            name,
            f"{record.rows:,}",
            f"{record.new:,}",
            f"{record.duplicates:,}",
            f"{record.conflicts:,}",
            f"{record.rejected:,}",
            _when(first),
            _when(last),
            ", ".join(f"{column} {share:.0%}" for column, share in missing[:3] if share >= 0.005),
        )
    return table


def _outcome_line(outcomes: Outcomes) -> Text:
    known = outcomes.on_time + outcomes.late
    share = f" ({outcomes.late / known:.1%} of the delivered)" if known else ""
    return Text(
        f"Orders: {outcomes.on_time:,} on time, {outcomes.late:,} late{share},"
        f" {outcomes.open:,} open, {outcomes.open_past_promise:,} open past their promise,"
        f" {outcomes.cancelled:,} cancelled."
    )


def _time_table(problems: dict[str, int]) -> Table:
    table = Table("times out of order (loaded as the source says)", "how many")
    for sentence, number in problems.items():
        table.add_row(sentence, f"{number:,}")
    return table


def _reason_lines(name: str, record: RecordReport) -> list[Text]:
    ranked = sorted(record.reasons.items(), key=lambda pair: -pair[1])
    return [
        Text(f"{name}.{column}: {number:,} x {reason}", "yellow")
        for (column, reason), number in ranked[:10]
    ]


def _when(micros: int | None) -> str:
    moment: datetime | None = None if micros is None else from_micros(micros)
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}Z"
