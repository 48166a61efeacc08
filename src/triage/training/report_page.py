"""The report of a run: one HTML page that needs nothing else, for people.

It is written beside the bundle, never into it, and kept with the run in the catalogue.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from triage.training.card import LIMITS, source_words
from triage.training.gates import GateResult, ModelPromise, load
from triage.training.metrics import months
from triage.training.report_blocks import Section, Table
from triage.training.report_cost import cost
from triage.training.report_figures import landmark_title
from triage.training.report_quality import (
    by_month,
    calibration,
    headline,
    in_short,
    ranking,
)
from triage.training.report_reasons import reasons
from triage.training.report_slices import by_promise, by_segment, days
from triage.training.run import TrainingRun

_SMALL = 10


def write_report(
    run: TrainingRun,
    tidy: pd.DataFrame,
    gates: Sequence[GateResult],
    path: Path,
    comparison: pd.DataFrame | None = None,
) -> Path:
    """Write the page of a run as a whole and return its path.

    Args:
        run: the run.
        tidy: what `metrics.evaluate` gives for its predictions.
        gates: the gates, judged.
        path: the file; its folder is made if it is absent.
        comparison: what changed against the champion, a small frame that is shown as it is.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(render(run, tidy, gates, comparison=comparison), encoding="utf-8")
    return partial.replace(path)


def render(
    run: TrainingRun,
    tidy: pd.DataFrame,
    gates: Sequence[GateResult],
    *,
    promise: ModelPromise | None = None,
    comparison: pd.DataFrame | None = None,
) -> str:
    """Return the page of a run as HTML.

    Args:
        run: the run.
        tidy: what `metrics.evaluate` gives for its predictions.
        gates: the gates, judged.
        promise: what the model promises; the workspace's if None.
        comparison: what changed against the champion, a small frame that is shown as it is.
    """
    environment = Environment(
        loader=PackageLoader("triage.training"),
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined,
    )  # fmt: skip
    failed = [gate for gate in gates if not gate.passed]
    return environment.get_template("report.html").render(
        run=run,
        output=(promise or load(run.name)).output,
        facts=_facts(run, tidy),
        verdict=_verdict(gates),
        short=in_short(run.predictions, tidy) if len(run.predictions) else [],
        passed=not failed and bool(gates),
        failed=[(_gate_title(gate), gate.words) for gate in failed],
        sections=_sections(run, tidy, gates, comparison),
        limits=LIMITS,
    )


def _sections(
    run: TrainingRun,
    tidy: pd.DataFrame,
    gates: Sequence[GateResult],
    comparison: pd.DataFrame | None,
) -> list[Section]:
    frame = run.predictions
    found: list[Section | None] = [_compared(comparison), _gates(gates)]
    if len(frame):
        found += [
            headline(frame, tidy), ranking(frame), calibration(frame), by_month(frame, tidy),
            by_promise(frame), by_segment(frame), days(frame), cost(frame),
        ]  # fmt: skip
    return [section for section in [*found, reasons(run), _families(run)] if section is not None]


def _verdict(gates: Sequence[GateResult]) -> str:
    if not gates:
        return "No gate was checked"
    failed = sum(not gate.passed for gate in gates)
    if failed:
        return (
            f"{failed} of {len(gates)} gates failed: it cannot take the champion's place as it is"
        )
    return f"All {len(gates)} gates passed: it may become the champion"


def _facts(run: TrainingRun, tidy: pd.DataFrame) -> list[tuple[str, str]]:
    data, label = run.dataset, run.recipe.get("label", {})
    span = months(tidy)
    tolerance = f", {label.get('tolerance_hours', 0):g} hours of tolerance"
    return [
        ("Digest", run.digest),
        ("Data", f"{_count(data.get('orders'))} orders, {_day(data.get('from'))} to"
         f" {_day(data.get('until'))}"),
        ("Known until", _day(data.get("trained_as_of"))),
        ("Judged by", ", ".join(span) or "no month could be held out"),
        ("Label contract", f"{label.get('version', '?')}{tolerance}"),
        ("Source", "; ".join(source_words(source) for source in data.get("sources", ()))),
        ("Fingerprint of the log", str(data.get("fingerprint", "?"))),
    ]  # fmt: skip


def _gates(gates: Sequence[GateResult]) -> Section | None:
    if not gates:
        return None
    places = list(dict.fromkeys(gate.landmark for gate in gates))
    by_place = {(gate.name, gate.landmark): gate for gate in gates}
    names = dict.fromkeys(gate.name for gate in gates)
    rows = []
    for name in names:
        own = [by_place.get((name, place)) for place in places]
        rows.append([_words(name), *("" if g is None else _passed(g) for g in own)])
    head = ["", *("the run" if p is None else landmark_title(p) for p in places)]
    words = [[_gate_title(gate), _passed(gate), gate.words] for gate in gates]
    tables = [
        Table("Verdict by gate and landmark", head, rows),
        Table("Figures of each gate", ("gate", "verdict", "figures"), words, folded=True, words=3),
    ]
    return Section("gates", "Gates", "Gates", (), (), tables)


def _compared(comparison: pd.DataFrame | None) -> Section | None:
    if comparison is None or comparison.empty:
        return None
    head = [_words(str(name)) for name in comparison.columns]
    rows = [[_cell(value) for value in row] for row in comparison.itertuples(index=False)]
    words = ["Both models on the same frozen orders."]
    return Section(
        "changed",
        "Changes",
        "What changed against the champion",
        words,
        (),
        [Table("", head, rows)],
    )


def _families(run: TrainingRun) -> Section:
    if not run.families_off:
        words = ["Every declared family of features has data."]
        return Section("families", "Families", "Families without data", words)
    words = ["They are off: the model was trained without them."]
    rows = [[name, ", ".join(lacks)] for name, lacks in sorted(run.families_off.items())]
    table = Table("", ("family", "lacks"), rows, words=2)
    return Section("families", "Families", "Families without data", words, (), [table])


def _gate_title(gate: GateResult) -> str:
    return _words(gate.name) + (f" at {landmark_title(gate.landmark)}" if gate.landmark else "")


def _passed(gate: GateResult) -> str:
    return "passed" if gate.passed else "FAILED"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _day(moment: object) -> str:
    return str(moment or "?")[:_SMALL]


def _count(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else "?"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "–" if pd.isna(value) else f"{value:.4f}"  # noqa: RUF001
    return landmark_title(value) if isinstance(value, str) else str(value)
