"""The command line. Heavy parts are imported only by the command that needs them."""

from __future__ import annotations

import gc
import getpass
import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console

from triage import consume_cli, keys_cli, ledger_cli, live_report, rule_cli, webhooks_cli
from triage.errors import SettingsError, TriageError
from triage.settings import Settings

app = typer.Typer(
    help="Which open orders will be late, why, and what to look at first. Advice only: the ERP"
    " stays in charge.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
out = Console()
err = Console(stderr=True)


class SimulationFormat(StrEnum):
    """How a simulation is written."""

    PARQUET = "parquet"
    CSV = "csv"


Home = Annotated[
    Path | None,
    typer.Option(
        help="Folder of everything generated [TRIAGE_HOME, default .triage].", show_default=False
    ),
]


def _settings(home: Path | None, **options: object) -> Settings:
    """Return the environment's settings with the options that were given on top.

    Raises:
        SettingsError: naming the one that cannot be used.
    """
    given = {name: value for name, value in {"home": home, **options}.items() if value is not None}
    try:
        return Settings.model_validate(Settings().model_dump() | given)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        name = "".join(str(part) for part in detail["loc"])
        raise SettingsError(
            f"{name} (TRIAGE_{name.upper()}) is {detail['input']!r}: {detail['msg']}"
        ) from error


def _month(text: str | None) -> str | None:
    if text is not None and not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text):
        raise typer.BadParameter(f"{text} is no month: write it as 2017-09")
    return text


@contextmanager
def _working(first: str) -> Iterator[Callable[[str], None]]:
    """Show what is being done: a spinner for people, plain lines where there is no terminal."""
    if not err.is_terminal:
        yield lambda words: err.print(f"  {words}")
        return
    with err.status(first) as status:
        yield status.update


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

    settings = _settings(home)
    with _working("importing") as progress:
        report = import_extract(
            source, extract, settings.home, extracted_at=extracted_at,
            workspace=settings.workspace, progress=progress,
        )  # fmt: skip
    out.print(render(report))


@app.command()
def train(
    name: Annotated[str, typer.Argument(help="A recipe in training/.")] = "at_risk",
    home: Home = None,
    promote: Annotated[
        bool, typer.Option(help="Make it the champion if every gate passes.")
    ] = True,
    why: Annotated[
        str, typer.Option(help="Reason that promotion records.")
    ] = "scheduled retraining",
    who: Annotated[str, typer.Option(help="Who promotes.")] = "",
) -> None:
    """Train, evaluate on months not seen, check the gates, record in MLflow, promote."""
    from triage.serving.candidate import Candidates
    from triage.training.pipeline import promote_judged, train_and_judge
    from triage.training.report_table import as_tables

    settings = _settings(home)
    if name in {"prices", "exceptions"}:
        _train_files(name, settings, promote=promote, who=who or getpass.getuser(), why=why)
        return
    with _working("training") as progress:
        judged = train_and_judge(
            name, settings.home, workspace=settings.workspace, progress=progress,
            serve=Candidates.of(settings),
        )  # fmt: skip
    out.print(as_tables(judged.figures))
    for gate in judged.gates:
        mark = "[green]passed[/]" if gate.passed else "[red]failed[/]"
        out.print(f"  {mark} {gate.name} {gate.landmark or ''}", highlight=False)
    if judged.run.recipe["use"] == "lookup":
        out.print("[bold]No model did better than the baselines: the rule itself is used.[/]")
    out.print(f"bundle {judged.run.digest}\nMLflow version {judged.tracked.model_version}")
    out.print(f"report {judged.page}", soft_wrap=True)
    if promote:
        promote_judged(judged, settings.home, who=who or getpass.getuser(), why=why)
        out.print(f"[bold]{name} version {judged.tracked.model_version} is the champion[/]")


def _train_files(name: str, settings: Settings, *, promote: bool, who: str, why: str) -> None:
    """Train a model that is plain files: of prices or of exceptions."""
    from functools import partial

    from rich.markup import escape

    from triage.training.exception_train import train_exceptions
    from triage.training.file_tracking import track_files
    from triage.training.price_train import train_prices
    from triage.training.registry import promote as put_in_force
    from triage.training.tracking import require_registry

    require_registry(settings.home)
    taught = partial(train_exceptions, ledger_url=settings.ledger_url)
    learn = taught if name == "exceptions" else train_prices
    with _working("training") as progress:
        run = learn(settings.home, workspace=settings.workspace, progress=progress)
        progress("recording in MLflow")
        tracked = track_files(run, settings.home)
    if run.words:
        out.print(run.words, highlight=False, soft_wrap=True)
    for gate in run.gates:
        mark = "[green]passed[/]" if gate.passed else "[red]failed[/]"
        out.print(f"  {mark} {gate.name}: {escape(gate.words)}", highlight=False, soft_wrap=True)
    out.print(f"bundle {run.digest}\nMLflow version {tracked.model_version}")
    if promote:
        put_in_force(settings.home, name, tracked.model_version, who=who, why=why, gates=run.gates)
        out.print(f"[bold]{name} version {tracked.model_version} is the champion[/]")


@app.command()
def compare(
    challenger: Annotated[
        str | None, typer.Argument(help="A registered version; default: the newest.")
    ] = None,
    against: Annotated[
        str, typer.Option(help="The version to compare it with, or champion.")
    ] = "champion",
    name: Annotated[str, typer.Option("--model", help="The registered model.")] = "at_risk",
    first: Annotated[
        str | None,
        typer.Option("--from", callback=_month, help="First test month; default: the recipe's."),
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", callback=_month, help="Last test month.")
    ] = None,
    resamples: Annotated[int, typer.Option(min=20, help="Samples drawn for the intervals.")] = 300,
    home: Home = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures here.")
    ] = None,
) -> None:
    """Compare two versions on the same frozen data: figures, intervals, and which is better."""
    if (first is None) != (last is None) or (first is not None and str(last) < first):
        raise typer.BadParameter("--from and --to go together, the first not after the last")
    from triage.training import compare_report, contender
    from triage.training.backtest import months_between
    from triage.training.compare import compare as compared

    settings = _settings(home)
    months = None if first is None or last is None else months_between(first, last)
    with _working("reading both versions") as progress:
        champion = (
            contender.in_force(settings.home, name)
            if against == contender.CHAMPION
            else contender.registered(settings.home, name, against)
        )
        found = compared(
            settings.home, contender.registered(settings.home, name, challenger), champion,
            months=months, resamples=resamples, progress=progress,
        )  # fmt: skip
        progress("recording in MLflow")
        compare_report.record(settings.home, found)
    out.print(compare_report.as_tables(found), highlight=False)
    if json_file is not None:
        text = json.dumps(compare_report.as_dict(found), indent=1) + "\n"
        json_file.write_text(text, encoding="utf-8")


@app.command()
def promote(
    version: Annotated[str, typer.Argument(help="A registered version, see `triage models`.")],
    why: Annotated[str, typer.Option(help="Reason, kept with the promotion.")],
    who: Annotated[str, typer.Option(help="Who decides; default: the user.")] = "",
    accept_unstable: Annotated[
        bool, typer.Option(help="Accept that the list is reshuffled; excuses no other gate.")
    ] = False,
    name: Annotated[str, typer.Option("--model", help="The registered model.")] = "at_risk",
    home: Home = None,
) -> None:
    """Make a version the champion if its gates passed, and keep who decided and why."""
    from triage.serving.candidate import Candidates
    from triage.training.pipeline import promote_version

    settings = _settings(home)
    if name != "at_risk":
        _promote_by_registered_gates(settings, name, version, who or getpass.getuser(), why)
        return
    with _working("rehearsing on the present log") as progress:
        progress(f"rehearsing version {version} on the present log")
        gates = promote_version(
            name, version, settings.home, who=who or getpass.getuser(), why=why,
            accept_unstable=accept_unstable, workspace=settings.workspace,
            serve=Candidates.of(settings),
        )  # fmt: skip
    for gate in gates:
        if gate.name in {"latency", "stability", "replay"}:
            out.print(f"  {gate.name}: {gate.words}", highlight=False, markup=False)
    out.print(f"[bold]{name} version {version} is the champion[/]", highlight=False)


def _promote_by_registered_gates(
    settings: Settings, name: str, version: str, who: str, why: str
) -> None:
    from triage.training.catalogue import registered_gates
    from triage.training.registry import promote as put_in_force

    gates = registered_gates(settings.home, name, version)
    put_in_force(settings.home, name, version, who=who, why=why, gates=gates)
    out.print(f"[bold]{name} version {version} is the champion[/]", highlight=False)


@app.command()
def rollback(
    why: Annotated[str, typer.Option(help="Reason, kept with the rollback.")] = "rolled back",
    who: Annotated[str, typer.Option(help="Who decides; default: the user.")] = "",
    name: Annotated[str, typer.Option("--model", help="The model.")] = "at_risk",
    home: Home = None,
) -> None:
    """Put the champion before the present one in force again; works without MLflow."""
    from triage.training.registry import rollback as roll_back

    settings = _settings(home)
    pointer, left_undone = roll_back(settings.home, name, who=who or getpass.getuser(), why=why)
    out.print(f"[bold]{name} version {pointer['version']} is the champion again[/]")
    if left_undone:
        err.print(left_undone, highlight=False, markup=False)


@app.command()
def shadow(
    version: Annotated[
        str | None, typer.Argument(help="The registered version that shall score unseen.")
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="Name no challenger any more.")] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Say how both compare on what was answered so far.")
    ] = False,
    who: Annotated[str, typer.Option(help="Who decides; default: the user.")] = "",
    name: Annotated[str, typer.Option("--model", help="The registered model.")] = "at_risk",
    home: Home = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="With --report: write the figures here.")
    ] = None,
) -> None:
    """Let a challenger score what the service answers, unseen; or end that; or see who is right."""
    if (version is not None) + off + report != 1:
        raise typer.BadParameter("give a version, --off or --report")
    settings = _settings(home)
    if report:
        _shadow_report(settings, name, json_file)
    elif version is None:
        from triage.training.registry import stop_challenge

        was, left_undone = stop_challenge(settings.home, name)
        out.print(
            f"nothing challenges {name} any more; a running service stops within a second"
            if was
            else f"nothing challenged {name}"
        )
        if left_undone:
            err.print(left_undone, highlight=False, markup=False)
    else:
        from triage.models.at_risk import AtRiskModel
        from triage.training.registry import challenge

        named = challenge(
            settings.home, name, version, who=who or getpass.getuser(), check=AtRiskModel.load
        )
        if named["gates"] != "passed":
            err.print(
                f"gates of version {version} when it was registered: {named['gates']}. It may be"
                " watched here; promotion still asks for them",
                highlight=False, markup=False,
            )  # fmt: skip
        out.print(
            f"[bold]{name} version {version} is the challenger[/]: it scores unseen, in a running"
            " service within a second; see `triage shadow --report`",
            highlight=False, soft_wrap=True,
        )  # fmt: skip


def _shadow_report(settings: Settings, name: str, json_file: Path | None) -> None:
    from triage.history.log import Log
    from triage.training.shadow_report import shadow_report
    from triage.training.shadow_table import as_text

    with _working("comparing live answers with outcomes"):
        found = shadow_report(settings.home, name, Log(settings.home).read())
    out.print(as_text(found), highlight=False)
    if json_file is not None:
        json_file.write_text(json.dumps(found.plain(), indent=1) + "\n", encoding="utf-8")


@app.command()
def models(
    name: Annotated[str, typer.Option("--model", help="The registered model.")] = "at_risk",
    home: Home = None,
) -> None:
    """List registered versions: digest, gates, alias, and who promoted them when and why."""
    from triage.training.catalogue import listed_versions
    from triage.training.version_table import as_table

    out.print(as_table(listed_versions(_settings(home).home, name)))


@app.command()
def tune(
    name: Annotated[str, typer.Argument(help="A recipe in training/.")] = "at_risk",
    trials: Annotated[
        int, typer.Option(min=1, help="Trials in all; those of an interrupted search count.")
    ] = 30,
    minutes: Annotated[float, typer.Option(min=0, help="No trial begins after that time.")] = 30,
    home: Home = None,
) -> None:
    """Search for a better recipe by earlier months; the months of evaluation stay untouched."""
    from triage.training.tune import tune as search
    from triage.workspace import root

    settings = _settings(home)
    with _working("tuning") as progress:
        tuned = search(
            name, settings.home, trials=trials, minutes=minutes, workspace=settings.workspace,
            progress=progress,
        )  # fmt: skip
    for line in [*tuned.lines(), *tuned.changes(), f"recipe {tuned.path}"]:
        out.print(line, highlight=False, markup=False, soft_wrap=True)
    following = tuned.next_command(root(settings.workspace), settings.home)
    out.print(f"next: {following}", highlight=False, markup=False, soft_wrap=True)


@app.command()
def drift(
    name: Annotated[str, typer.Argument(help="The model whose champion is checked.")] = "at_risk",
    home: Home = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write everything that was measured here.")
    ] = None,
    fail_on_drift: Annotated[
        bool, typer.Option("--fail-on-drift", help="Exit with 1 if retraining is advised.")
    ] = False,
) -> None:
    """Compare the last weeks with the champion's training: is it time to retrain?"""
    from triage.models.drift_file import keep_drift
    from triage.training.drift import drift as check

    settings = _settings(home)
    with _working("checking for drift") as progress:
        report = check(name, settings.home, workspace=settings.workspace, progress=progress)
    for line in report.lines():
        out.print(line, highlight=False, markup=False, soft_wrap=True)
    keep_drift(settings.home, name, report.plain())
    if json_file is not None:
        json_file.write_text(json.dumps(report.plain(), indent=1) + "\n", encoding="utf-8")
    if fail_on_drift and report.advised:
        raise typer.Exit(1)


@app.command()
def backtest(
    name: Annotated[str, typer.Argument(help="A recipe in training/.")] = "at_risk",
    first: Annotated[
        str, typer.Option("--from", callback=_month, help="First test month, e.g. 2017-09.")
    ] = ...,  # type: ignore[assignment]
    last: Annotated[
        str, typer.Option("--to", callback=_month, help="Last test month, e.g. 2017-12.")
    ] = ...,  # type: ignore[assignment]
    source: Annotated[
        str | None, typer.Option(help="With --data: the mapping to import it by.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="An extract to test on, instead of the log.")
    ] = None,
    home: Home = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures here.")
    ] = None,
) -> None:
    """Refit monthly, score each month by what was known when it began, baselines beside it."""
    if last < first:
        raise typer.BadParameter(f"--to {last} is before --from {first}")
    settings = _settings(home)
    if data is None:
        figures = _backtest(name, settings, first, last)
    else:
        if source is None:
            raise typer.BadParameter("--data needs --source, the mapping to import it by")
        from triage.history.importer import import_extract

        with tempfile.TemporaryDirectory(prefix="triage-backtest-") as folder:
            own = settings.model_copy(update={"home": Path(folder)})
            with _working("importing") as progress:
                import_extract(
                    source, data, own.home, workspace=settings.workspace, progress=progress
                )
            figures = _backtest(name, own, first, last)
    if json_file is not None:
        json_file.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def _backtest(name: str, settings: Settings, first: str, last: str) -> dict[str, Any]:
    from triage.training import recipe as recipes
    from triage.training.backtest import months_between
    from triage.training.metrics import evaluate, settled
    from triage.training.prepared import prepare
    from triage.training.report_table import as_dict, as_tables
    from triage.training.train import evaluate_months

    recipe, _ = recipes.load(name, settings.workspace)
    months = months_between(first, last)
    with _working("backtest") as progress:
        prepared = prepare(settings.home, recipe, workspace=settings.workspace, progress=progress)
        frame = evaluate_months(prepared, recipe, months, progress)
    figures = {}
    for title, rows in (
        ("orders whose promise has passed; those given up are left out", settled(frame)),
        ("all of them: an order that was given up counts as late", frame),
    ):
        tidy = evaluate(rows.reset_index(drop=True))
        out.print(f"\n[bold]{title}[/]", highlight=False)
        out.print(as_tables(tidy))
        figures[title] = as_dict(tidy)
    return {"recipe": name, "months": months, "figures": figures}


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

        settings = _settings(home, host=host, port=port, clock=clock)
        check_free(settings.home)
        rule_cli.where_no_model(settings)
        with _working("loading the champion and the log"):
            service = create(settings)
        out.print(f"Triage listens on http://{settings.host}:{settings.port}/ (API: /openapi.json)")
        run(service, settings)


app.add_typer(ledger_cli.audit, name="audit")
app.command()(ledger_cli.replay)
app.command()(rule_cli.rule)
app.add_typer(keys_cli.keys, name="keys")
app.add_typer(webhooks_cli.webhooks, name="webhooks")
app.add_typer(consume_cli.consume, name="consume")
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

    with _working("scoring open orders"):
        scorer = load_scorer(_settings(home))
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

    settings = _settings(home)
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

    settings = _settings(home)
    with _working("examining the log") as progress:
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

    with _working("simulating") as progress:
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

    settings = _settings(home)
    own = settings.model_copy(update={"home": settings.home / source, "clock": "data"})
    with _working("starting") as progress:
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
