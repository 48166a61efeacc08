"""The command line. Heavy parts are imported only by the command that needs them."""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from triage.commands import (
    consume,
    keys,
    ledger,
    live_report,
    rule,
    training,
    versions,
    webhooks,
)
from triage.commands.terminal import Home, err, out, settings_of, working
from triage.errors import TriageError

app = typer.Typer(
    help="Which open orders will be late, why, and what to look at first. Advice only: the ERP"
    " stays in charge.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


class SimulationFormat(StrEnum):
    """How a simulation is written."""

    PARQUET = "parquet"
    CSV = "csv"


@contextmanager
def _uncollected() -> Iterator[None]:
    """Collect no garbage while a service is loaded; the server does so again once it is up."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@app.command("import")
def import_(
    source: Annotated[str, typer.Argument(help="A mapping in data/mappings, or a mapping folder.")],
    extract: Annotated[
        Path, typer.Argument(help="Folder of CSV, gz or Parquet files, or a DuckDB file.")
    ],
    home: Home = None,
    extracted_at: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%dT%H:%M%z", "%Y-%m-%dT%H:%M:%S%z"],
            help="When the extract was taken (with offset); default: as the mapping says.",
        ),
    ] = None,
) -> None:
    """Turn an extract into records: validated, bad rows in quarantine, all or nothing."""
    from triage.history.importer import import_extract
    from triage.history.report import render

    settings = settings_of(home)
    with working("importing") as progress:
        report = import_extract(
            source, extract, settings.home, extracted_at=extracted_at,
            workspace=settings.workspace, progress=progress,
        )  # fmt: skip
    out.print(render(report))


for _about_models in (
    training.train, versions.compare, versions.promote, versions.rollback, versions.shadow,
    versions.models, training.tune, versions.drift, training.backtest,
):  # fmt: skip
    app.command()(_about_models)


@app.command()
def serve(
    home: Home = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port of the API and the list.")
    ] = None,
    clock: Annotated[str | None, typer.Option(help="What counts as now: data or wall.")] = None,
) -> None:
    """Serve the API and the list."""
    with _uncollected():
        from triage.serving.event_log import check_free
        from triage.serving.main import create
        from triage.serving.server import serve as run

        settings = settings_of(home, host=host, port=port, clock=clock)
        check_free(settings.home)
        rule.where_no_model(settings)
        with working("loading the champion and the log"):
            service = create(settings)
        out.print(f"Triage listens on http://{settings.host}:{settings.port}/ (API: /openapi.json)")
        run(service, settings)


app.add_typer(ledger.audit, name="audit")
app.command()(ledger.replay)
app.command()(rule.rule)
app.add_typer(keys.keys, name="keys")
app.add_typer(webhooks.webhooks, name="webhooks")
app.add_typer(consume.consume, name="consume")
app.add_typer(live_report.report, name="report")


@app.command()
def worklist(
    home: Home = None,
    top: Annotated[int, typer.Option(help="How many orders.")] = 10,
    state: Annotated[str, typer.Option(help="at_risk or already_late.")] = "at_risk",
) -> None:
    """Print the orders to look at first, with reasons."""
    from triage.advice.show import listed
    from triage.serving.main import load_scorer

    with working("scoring open orders"):
        scorer = load_scorer(settings_of(home))
    items = [item for item in scorer.worklist().items if item.assessment.state == state]
    out.print(f"{len(items)} open orders, {state.replace('_', ' ')}", highlight=False)
    for item in items[:top]:
        out.print(listed(item.rank, item.assessment, scorer.time_zone), highlight=False)


@app.command()
def features(home: Home = None) -> None:
    """List the declared features, and which families the log's data switches on."""
    from triage.features.availability import available
    from triage.features.catalogue import as_table, switches
    from triage.features.compile import compile_features
    from triage.features.declarations import load
    from triage.history.log import Log

    settings = settings_of(home)
    declared = load(settings.workspace)
    history = Log(settings.home).read()
    compiled = compile_features(declared, available(history))
    out.print(switches(compiled))
    out.print(as_table(compiled))


@app.command("fit-report")
def fit_report(
    name: Annotated[str, typer.Argument(help="A recipe in training/.")] = "at_risk",
    home: Home = None,
    measure: Annotated[
        bool, typer.Option(help="Also measure here what each source is worth (minutes).")
    ] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write everything that was found here.")
    ] = None,
) -> None:
    """Say how the data fits: families on and off, what is missing and its worth, what to do."""
    from triage.training.fit_report import fit_report as examine
    from triage.training.fit_show import as_text

    settings = settings_of(home)
    with working("examining the log") as progress:
        report = examine(
            name, settings.home, workspace=settings.workspace, measured=measure, progress=progress
        )
    out.print(as_text(report))
    if json_file is not None:
        json_file.write_text(json.dumps(report.plain(), indent=1) + "\n", encoding="utf-8")


@app.command()
def simulate(
    folder: Annotated[Path, typer.Option("--out", help="Where to write it.")],
    orders: Annotated[int, typer.Option(help="How many orders.")] = 100_000,
    seed: Annotated[int, typer.Option(help="Another seed gives another distributor.")] = 7,
    days: Annotated[int, typer.Option(help="How many days, from 2025-01-06.")] = 420,
    form: Annotated[
        SimulationFormat, typer.Option("--format", help="Parquet, or gzipped CSV.")
    ] = SimulationFormat.PARQUET,
    truth: Annotated[
        bool, typer.Option(help="Work out causes and alternatives (32 more runs).")
    ] = True,
    processes: Annotated[int, typer.Option(min=1, help="Runs that go side by side.")] = 2,
) -> None:
    """Simulate a distributor: extract files, and the truth about every delay beside them."""
    from triage.simulation.sample import write_simulation

    with working("simulating") as progress:
        write_simulation(
            folder, seed=seed, orders=orders, days=days, form=form.value, truth=truth,
            processes=processes, progress=progress,
        )  # fmt: skip
    out.print(f"wrote {orders:,} orders to {folder}, the truth about them to {folder / 'truth'}")


@app.command()
def demo(
    source: Annotated[str, typer.Option(help="Mapping of the extract.")] = "sample",
    data: Annotated[Path | None, typer.Option(help="Extract; default: the sample.")] = None,
    home: Home = None,
) -> None:
    """Import, train, gate, score and serve: list, API and MLflow, from nothing."""
    from triage.demo import run

    settings = settings_of(home)
    own = settings.model_copy(update={"home": settings.home / source, "clock": "data"})
    with working("starting") as progress:
        ready = run(source, data, own, progress)
    ready.serve(out.print)


def main() -> None:
    """Run a command; an error of ours is told in words, without a traceback."""
    try:
        app()
    except TriageError as error:
        err.print(f"[bold red]{error.title()}[/]", highlight=False)
        err.print(str(error), highlight=False, markup=False, soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
