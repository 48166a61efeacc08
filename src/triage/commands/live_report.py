"""`triage report live`: answers on record held against what came of them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from triage.commands.terminal import Home, out, settings_of
from triage.settings import Settings

if TYPE_CHECKING:
    from triage.history.tables import History
    from triage.serving.outcomes.record import Judged, LiveRecord, Said
    from triage.training.live_report import Answers, LiveReport

report = typer.Typer(help="Reports of what was answered.", no_args_is_help=True)


@report.callback()
def _reports() -> None:
    """Keep `live` a command of its own."""


@report.command()
def live(
    name: Annotated[str, typer.Argument(help="The model whose answers are judged.")] = "at_risk",
    days: Annotated[int, typer.Option(min=1, help="How far back to look.")] = 60,
    page: Annotated[
        Path | None, typer.Option("--out", help="Write the page here; default: in the home.")
    ] = None,
    home: Home = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write everything that was measured here.")
    ] = None,
    fail_on_alarm: Annotated[
        bool, typer.Option("--fail-on-alarm", help="Exit with 1 if answers do not hold.")
    ] = False,
) -> None:
    """Do live answers hold? Late orders against those expected, where nobody acted."""
    from triage.training.live_page import write_page

    settings = settings_of(home)
    found, answers = made(name, settings, days)
    path = write_page(found, answers.judged, page or settings.home / "runs" / f"live-{name}.html")
    for text, count in found.counts.items():
        out.print(f"{count:>9,}  {text}", highlight=False)
    out.print(found.verdict(), highlight=False, markup=False, soft_wrap=True)
    out.print(f"report {path}", soft_wrap=True)
    if json_file is not None:
        json_file.write_text(json.dumps(found.plain(), indent=1) + "\n", encoding="utf-8")
    if fail_on_alarm and found.alarms:
        raise typer.Exit(1)


def made(name: str, settings: Settings, days: int) -> tuple[LiveReport, Answers]:
    """Return the report of a home, and the answers that it is about.

    Raises:
        LedgerError: if nothing is on record.
        BundleError: if no model was promoted.
        HistoryError: if there is no log.
        DeclarationError: if policy or thresholds do not fit.
    """
    from triage.advice import policy
    from triage.domain.clock import MICROS_PER_DAY
    from triage.history.log import Log
    from triage.ledger.reading import open_reading
    from triage.models.champion import champion
    from triage.models.drift_settings import load
    from triage.serving.outcomes.record import LiveRecord
    from triage.training.live_report import Model, live_report

    home = settings.home
    pointer = champion(home, name)
    declared = policy.load(settings.workspace)
    history = Log(home).read()
    reading = open_reading(home, settings.ledger_url)
    record = LiveRecord(holds=declared.hold_out.holds)
    try:
        for entry in reading.since(time.time_ns() // 1_000 - days * MICROS_PER_DAY):
            record.take(entry)
    finally:
        reading.close()
    digest = pointer["digest"]
    _settle(record, name, digest, history, settings)
    answers = _answers(record, digest, history)
    before = pointer.get("previous")
    model = Model(
        name, str(pointer["version"]), digest,
        None if before is None else str(before["version"]),
    )  # fmt: skip
    minutes = declared.work.capacity.session
    thresholds = load(settings.workspace).live
    return live_report(answers, model, days, minutes, thresholds), answers


def _settle(
    record: LiveRecord, name: str, digest: str, history: History, settings: Settings
) -> None:
    """Note outcomes that log and events know and the service has not recorded yet."""
    from triage.domain.clock import to_micros
    from triage.domain.records import Milestone, Order
    from triage.features.book import OrderBook
    from triage.models.at_risk import MODEL_FILE, ModelNumbers
    from triage.models.bundle import read_bundle
    from triage.models.champion import bundle_folder
    from triage.serving.event_log import read_events
    from triage.serving.outcomes.outcome import settle

    _, files = read_bundle(bundle_folder(settings.home, name, digest), digest)
    contract = ModelNumbers.model_validate_json(files[MODEL_FILE]).contract
    book, now = OrderBook.of(history, ()), history.extracted_at
    for _, event in read_events(settings.home):
        now = max(now, to_micros(event.record_time))
        if isinstance(event, Order):
            book.add_order(event)
        elif isinstance(event, Milestone):
            book.add_milestone(event)
    if settings.clock == "wall":
        now = time.time_ns() // 1_000
    for outcome in settle(book, contract, record.open_ended(), now):
        record.settle(outcome)


def _answers(record: LiveRecord, digest: str, history: History) -> Answers:
    """Return the answers of one model as tables."""
    import pandas as pd

    from triage.training.live_report import COLUMNS, Answers
    from triage.training.segments import with_segments

    told = [(said, judged) for judged in record.judged.values() for said in judged.said]
    kept = [(s, j) for s, j in told if s.model == digest and not j.outcome.cancelled]
    rows = [_row(said, judged) for said, judged in kept]
    waiting = [
        {"landmark": said.stage, "model": said.p_late}
        for of_order in record.waiting.values() for said in of_order.values()
        if said.model == digest
    ]  # fmt: skip
    return Answers(
        with_segments(pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS), history),
        pd.DataFrame(waiting, columns=["landmark", "model"]).astype({"model": "float64"}),
        sum(judged.outcome.cancelled for judged in record.judged.values() if judged.said),
        sum(said.model != digest for said, _ in told),
    )


def _row(said: Said, judged: Judged) -> tuple[object, ...]:
    outcome = judged.outcome
    return (
        said.order_id, said.stage, said.as_of, outcome.late_at, int(outcome.late), said.p_late,
        outcome.delay_days, *said.delay, said.score, said.minutes, judged.acted,
        judged.held_out,
    )  # fmt: skip
