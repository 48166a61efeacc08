"""The model card: what a model predicts, how well, on what data, and where not to trust it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from triage import workspace
from triage.errors import DeclarationError
from triage.training.gates import GateResult, load
from triage.training.metrics import figure, landmarks, months
from triage.training.promise import ModelPromise
from triage.training.report_table import as_markdown
from triage.training.run import TrainingRun

LIMITS = (
    "It has learnt association, not cause: what goes with lateness need not make orders late.",
    "It knows only the sources named here, and only what was recorded before it scores.",
    "A jump in the level of lateness (peak season, strike) is seen as soon as open orders run "
    "late, not before; look at the worst month above.",
    "Orders that people rescued count as punctual; once people act on the advice, judge it on "
    "orders that were left alone.",
    "Keys without history (a new site, lane or item) are scored from what is common to all; the "
    "answer names them.",
)


def model_card(run: TrainingRun, tidy: pd.DataFrame, gates: tuple[GateResult, ...]) -> str:
    """Return the model card as Markdown.

    Args:
        run: the run.
        tidy: what `metrics.evaluate` gives for its predictions.
        gates: what `gates.check` gives.
    """
    promise = load(run.name)
    sections = [
        f"# Model card: {run.name}\n\nDigest `{run.digest}`",
        _meaning(run, promise),
        _data(run),
        _families(run),
        _figures(tidy),
        _calibration(tidy),
        _gates(gates, promise),
        "## Known limits\n\n" + "\n".join(f"- {limit}" for limit in LIMITS),
    ]
    return "\n\n".join(sections) + "\n"


def _meaning(run: TrainingRun, promise: ModelPromise) -> str:
    output = promise.output
    label = run.recipe.get("label", {})
    terms = ", ".join(f"{name} = {value}" for name, value in label.items())
    low, high = output.range
    return (
        f"## What it predicts\n\n`{output.name}`, {low:g} to {high:g}: {_sentence(output.meaning)} "
        f"Horizon: {_sentence(output.horizon)}\n\n{_sentence(output.use)}\n\n"
        f"Label contract: {terms or 'see recipe.json'}. Late is judged by the proof of delivery "
        "against the promise as first confirmed; cancelled orders are out."
    )


def _data(run: TrainingRun) -> str:
    data = run.dataset
    lines = [
        f"- {_count(data.get('orders'))} orders, {_count(data.get('rows'))} rows, "
        f"{data.get('from', '?')} to {data.get('until', '?')}; trained on what was known before "
        f"{data.get('trained_as_of', '?')}",
        f"- fingerprint of the log: `{data.get('fingerprint', '?')}`",
        *(f"- source {source_words(source)}" for source in data.get("sources", ())),
    ]
    return "## Data\n\n" + "\n".join(lines)


def _families(run: TrainingRun) -> str:
    if not run.families_off:
        return "## Feature families without data\n\nNone: every declared family has data."
    lines = [
        f"- {family}: lacks {', '.join(lacks)}"
        for family, lacks in sorted(run.families_off.items())
    ]
    return (
        "## Feature families without data\n\nThey are off: the model was trained without them.\n\n"
        + "\n".join(lines)
    )


def _figures(tidy: pd.DataFrame) -> str:
    parts = ["## How good it is", _protocol(tidy)]
    for landmark in landmarks(tidy):
        rows = figure(tidy, landmark, "model", "n")
        base = figure(tidy, landmark, "model", "base_rate")
        parts.append(f"### {landmark}\n\n{rows:,.0f} rows, {base:.1%} late.")
        parts.append(as_markdown(tidy, landmark))
    return "\n\n".join(parts)


def _protocol(tidy: pd.DataFrame) -> str:
    span = months(tidy)
    if not span:
        return "No month could be held out: nothing is known about how good it is."
    return (
        f"Out of time: months {', '.join(span)}, each predicted by a model fitted on what was "
        "known before it. Log loss is natural; ECE has 10 bins of equal count; recall @10% is the "
        "share of the late orders in the riskiest tenth; 'in month' is the mean over months."
    )


def _calibration(tidy: pd.DataFrame) -> str:
    head = "| landmark | month | rows | predicted | observed | log loss | constant's |"
    lines = [head, "| --- | --- | ---: | ---: | ---: | ---: | ---: |"]
    for landmark in landmarks(tidy):
        for month in months(tidy[tidy["landmark"] == landmark]):
            n, mean, base, loss = (
                figure(tidy, landmark, "model", metric, month)
                for metric in ("n", "mean_p", "base_rate", "log_loss")
            )
            constant = figure(tidy, landmark, "constant", "log_loss", month)
            lines.append(
                f"| {landmark} | {month} | {n:,.0f} | {mean:.3f} | {base:.3f} | {loss:.3f} | "
                f"{constant:.3f} |"
            )
    return "## Calibration by month\n\n" + "\n".join(lines)


def _gates(gates: tuple[GateResult, ...], promise: ModelPromise) -> str:
    lines = ["| gate | landmark | result | figures |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {gate.name} | {gate.landmark or 'all'} | {'passed' if gate.passed else '**failed**'} "
        f"| {_cell(gate.words)} |"
        for gate in gates
    ]
    return (
        f"## Gates (models/{promise.name}.toml, version {promise.version})\n\n"
        + "\n".join(lines)
        + f"\n\n{' '.join(promise.allowance.rule.split())}"
    )


def source_words(source: str | dict[str, Any]) -> str:
    """Return a source with its title and licence, as the run or its mapping gives them."""
    known = dict(source) if isinstance(source, dict) else {"name": str(source)}
    known = _mapped(str(known["name"])) | known
    words = str(known["name"])
    if known.get("title"):
        words += f": {known['title']}"
    if known.get("licence"):
        words += f" (licence: {known['licence']}; figures from this data are shown under it)"
    return words


def _mapped(name: str) -> dict[str, Any]:
    """Return what the workspace's mapping says of a source; nothing if the mapping is elsewhere."""
    try:
        found: dict[str, Any] = workspace.read_toml(f"data/mappings/{name}/mapping.toml")["source"]
    except DeclarationError:
        return {}
    return found


def _sentence(text: str) -> str:
    return text.rstrip(".") + "."


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _count(value: Any) -> str:  # noqa: ANN401  as found in the dataset's plain facts
    return f"{value:,}" if isinstance(value, int) else "?"
