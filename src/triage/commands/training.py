"""Commands that train: a model, a search for a better recipe, a backtest."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from triage.commands.terminal import Figures, Home, Recipe, Who, month, out, settings_of, working
from triage.settings import Settings


def train(
    name: Recipe = "at_risk",
    home: Home = None,
    promote: Annotated[
        bool, typer.Option(help="Make it the champion if every gate passes.")
    ] = True,
    why: Annotated[
        str, typer.Option(help="Reason that promotion records.")
    ] = "scheduled retraining",
    who: Who = "",
) -> None:
    """Train, evaluate on months not seen, check the gates, record in MLflow, promote."""
    from triage.serving.candidate import Candidates
    from triage.training.pipeline import promote_judged, train_and_judge
    from triage.training.report_table import as_tables

    settings = settings_of(home)
    if name in {"prices", "exceptions"}:
        _train_files(name, settings, promote=promote, who=who, why=why)
        return
    with working("training") as progress:
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
        promote_judged(judged, settings.home, who=who, why=why)
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
    with working("training") as progress:
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


def tune(
    name: Recipe = "at_risk",
    trials: Annotated[
        int, typer.Option(min=1, help="Trials in all; those of an interrupted search count.")
    ] = 30,
    minutes: Annotated[float, typer.Option(min=0, help="No trial begins after that time.")] = 30,
    home: Home = None,
) -> None:
    """Search for a better recipe by earlier months; the months of evaluation stay untouched."""
    from triage.training.tune import tune as search
    from triage.workspace import root

    settings = settings_of(home)
    with working("tuning") as progress:
        tuned = search(
            name, settings.home, trials=trials, minutes=minutes, workspace=settings.workspace,
            progress=progress,
        )  # fmt: skip
    for line in [*tuned.lines(), *tuned.changes(), f"recipe {tuned.path}"]:
        out.print(line, highlight=False, markup=False, soft_wrap=True)
    following = tuned.next_command(root(settings.workspace), settings.home)
    out.print(f"next: {following}", highlight=False, markup=False, soft_wrap=True)


def backtest(
    name: Recipe = "at_risk",
    first: Annotated[
        str, typer.Option("--from", callback=month, help="First test month, e.g. 2017-09.")
    ] = ...,  # type: ignore[assignment]
    last: Annotated[
        str, typer.Option("--to", callback=month, help="Last test month, e.g. 2017-12.")
    ] = ...,  # type: ignore[assignment]
    source: Annotated[
        str | None, typer.Option(help="With --data: the mapping to import it by.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="An extract to test on, instead of the log.")
    ] = None,
    home: Home = None,
    json_file: Figures = None,
) -> None:
    """Refit monthly, score each month by what was known when it began, baselines beside it."""
    if last < first:
        raise typer.BadParameter(f"--to {last} is before --from {first}")
    settings = settings_of(home)
    if data is None:
        figures = _backtest(name, settings, first, last)
    else:
        if source is None:
            raise typer.BadParameter("--data needs --source, the mapping to import it by")
        from triage.history.importer import import_extract

        with tempfile.TemporaryDirectory(prefix="triage-backtest-") as folder:
            own = settings.model_copy(update={"home": Path(folder)})
            with working("importing") as progress:
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
    with working("backtest") as progress:
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
