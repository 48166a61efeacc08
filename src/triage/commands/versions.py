"""Commands about versions of a model: compare, promote, go back, watch one, look for drift."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from triage.commands.terminal import (
    Figures,
    Home,
    Model,
    Who,
    err,
    month,
    out,
    settings_of,
    working,
)
from triage.settings import Settings


def compare(
    challenger: Annotated[
        str | None, typer.Argument(help="A registered version; default: the newest.")
    ] = None,
    against: Annotated[
        str, typer.Option(help="The version to compare it with, or champion.")
    ] = "champion",
    name: Model = "at_risk",
    first: Annotated[
        str | None,
        typer.Option("--from", callback=month, help="First test month; default: the recipe's."),
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", callback=month, help="Last test month.")
    ] = None,
    resamples: Annotated[int, typer.Option(min=20, help="Samples drawn for the intervals.")] = 300,
    home: Home = None,
    json_file: Figures = None,
) -> None:
    """Compare two versions on the same frozen data: figures, intervals, and which is better."""
    if (first is None) != (last is None) or (first is not None and str(last) < first):
        raise typer.BadParameter("--from and --to go together, the first not after the last")
    from triage.training import compare_report, contender
    from triage.training.backtest import months_between
    from triage.training.compare import compare as compared

    settings = settings_of(home)
    months = None if first is None or last is None else months_between(first, last)
    with working("reading both versions") as progress:
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


def promote(
    version: Annotated[str, typer.Argument(help="A registered version, see `triage models`.")],
    why: Annotated[str, typer.Option(help="Reason, kept with the promotion.")],
    who: Who = "",
    accept_unstable: Annotated[
        bool, typer.Option(help="Accept that the list is reshuffled; excuses no other gate.")
    ] = False,
    name: Model = "at_risk",
    home: Home = None,
) -> None:
    """Make a version the champion if its gates passed, and keep who decided and why."""
    from triage.serving.candidate import Candidates
    from triage.training.pipeline import promote_version

    settings = settings_of(home)
    if name != "at_risk":
        _promote_by_registered_gates(settings, name, version, who, why)
        return
    with working("rehearsing on the present log") as progress:
        progress(f"rehearsing version {version} on the present log")
        gates = promote_version(
            name, version, settings.home, who=who, why=why,
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


def rollback(
    why: Annotated[str, typer.Option(help="Reason, kept with the rollback.")] = "rolled back",
    who: Who = "",
    name: Model = "at_risk",
    home: Home = None,
) -> None:
    """Put the champion before the present one in force again; works without MLflow."""
    from triage.training.registry import rollback as roll_back

    settings = settings_of(home)
    pointer, left_undone = roll_back(settings.home, name, who=who, why=why)
    out.print(f"[bold]{name} version {pointer['version']} is the champion again[/]")
    if left_undone:
        err.print(left_undone, highlight=False, markup=False)


def shadow(
    version: Annotated[
        str | None, typer.Argument(help="The registered version that shall score unseen.")
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="Name no challenger any more.")] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Say how both compare on what was answered so far.")
    ] = False,
    who: Who = "",
    name: Model = "at_risk",
    home: Home = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="With --report: write the figures here.")
    ] = None,
) -> None:
    """Let a challenger score what the service answers, unseen; or end that; or see who is right."""
    if (version is not None) + off + report != 1:
        raise typer.BadParameter("give a version, --off or --report")
    settings = settings_of(home)
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

        named = challenge(settings.home, name, version, who=who, check=AtRiskModel.load)
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

    with working("comparing live answers with outcomes"):
        found = shadow_report(settings.home, name, Log(settings.home).read())
    out.print(as_text(found), highlight=False)
    if json_file is not None:
        json_file.write_text(json.dumps(found.plain(), indent=1) + "\n", encoding="utf-8")


def models(
    name: Model = "at_risk",
    home: Home = None,
) -> None:
    """List registered versions: digest, gates, alias, and who promoted them when and why."""
    from triage.training.catalogue import listed_versions
    from triage.training.version_table import as_table

    out.print(as_table(listed_versions(settings_of(home).home, name)))


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

    settings = settings_of(home)
    with working("checking for drift") as progress:
        report = check(name, settings.home, workspace=settings.workspace, progress=progress)
    for line in report.lines():
        out.print(line, highlight=False, markup=False, soft_wrap=True)
    keep_drift(settings.home, name, report.plain())
    if json_file is not None:
        json_file.write_text(json.dumps(report.plain(), indent=1) + "\n", encoding="utf-8")
    if fail_on_drift and report.advised:
        raise typer.Exit(1)
