"""The page of live answers: one HTML file that needs nothing else, as the report of a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from triage.models.drift_settings import LiveSettings
from triage.models.held import ALL, Held
from triage.training.live_figures import AtCapacity, Estimate, Quality
from triage.training.live_report import LiveReport, read_from
from triage.training.report_blocks import Section, Table, number, percent
from triage.training.report_figures import Coverage, capital
from triage.training.report_quality import calibration
from triage.training.report_table import say

_CALIBRATED = ["order_id", "landmark", "as_of", "late", "model"]


def write_page(report: LiveReport, judged: pd.DataFrame, path: Path) -> Path:
    """Write the page as a whole and return its path.

    Args:
        report: what was found.
        judged: the answers that it was found on, for diagrams; may be empty.
        path: the file; its folder is made if it is absent.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(render(report, judged), encoding="utf-8")
    return partial.replace(path)


def render(report: LiveReport, judged: pd.DataFrame) -> str:
    """Return the page as HTML; see `write_page`."""
    environment = Environment(
        loader=PackageLoader("triage.training"),
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined,
    )  # fmt: skip
    sections = [_calibration(report)]
    chosen = read_from(judged, report.read_on)
    if len(chosen):
        sections += [calibration(chosen[_CALIBRATED]), _quality(report.quality)]
    sections += [_estimates(report), _capacity(report)]
    if report.segments:
        sections.append(_segments(report))
    return environment.get_template("live.html").render(report=report, sections=sections)


def _calibration(report: LiveReport) -> Section:
    low, high = report.settings.observed_to_expected
    words = [
        f"Late orders over those expected. It rings where the whole interval is below {low:g} or"
        f" above {high:g}, from {report.settings.least_expected:g} expected on"
        f" {report.settings.least_days} days on. Intervals hold at"
        f" {100 * report.settings.confidence:g} % for all rows together and count days of promises,"
        " not orders: orders of one day share their luck.",
        "Of an order the first answer at each stage counts.",
    ]
    rows = [
        [capital(each.name), *_held(each), _holds(each, report.settings)]
        for each in report.calibration
    ]
    rows.append([capital(report.everybody.name), *_held(report.everybody), ""])
    table = Table(report.read_on.capitalize(), (*_HELD_HEAD, "holds"), rows, frozenset({0}))
    return Section("figures", "Expected", "Late against expected", words, (), [table])


def _holds(found: Held, settings: LiveSettings) -> str:
    if found.rings(settings):
        return "FAILED"
    return "yes" if found.enough(settings) else "too early"


def _segments(report: LiveReport) -> Section:
    words = [
        "The largest, with 30 answers or more. Shown, not judged: some are off by chance.",
        "Coverage and capacity are told as above: of the orders that were delivered, and of those"
        " that people get to who work the list of all segments.",
    ]
    tables = [
        Table("Late against expected", ("segment", *_HELD_HEAD[1:]), [
            [each.name, *_held(each)] for each in report.segments
        ]),
        Table("Coverage", ("segment", "delivered", "p10 to p90", "up to p90"), [
            [name, f"{each.n:,}", *_covered(each)] for name, each in report.segment_coverage.items()
        ]),
        Table("Precision at capacity", ("segment", *_CAPACITY_HEAD[1:]), [
            _at_capacity(name, each) for name, each in report.segment_capacity.items()
        ]),
    ]  # fmt: skip
    return Section("segments", "Segments", "By segment", words, (), tables)


def _covered(found: Coverage) -> list[str]:
    if not found.n:
        return ["", ""]
    return [percent(found.within / found.n), percent(found.below_p90 / found.n)]


_HELD_HEAD = ("", "answers", "days", "late", "expected", "late / expected", "interval")


def _held(found: Held) -> list[str]:
    ends = f"{found.low:.2f} to {found.high:.2f}" if math.isfinite(found.high) else "one day only"
    return [
        f"{found.n:,}", f"{found.days:,}", f"{found.late:,}", f"{found.expected:,.1f}",
        number(found.ratio), ends,
    ]  # fmt: skip


def _quality(found: Sequence[Quality]) -> Section:
    words = [
        "Brier and log loss beside those of the best constant, chosen in hindsight. 80 % of the"
        " delivered orders should be between p10 and p90, 90 % up to p90; what has not arrived is"
        " not among them."
    ]
    head = (
        "", "answers", "late", "ROC-AUC", "Brier", "constant", "log loss", "constant", "delivered",
        "p10 to p90", "up to p90",
    )  # fmt: skip
    rows = [
        [
            capital(each.name), f"{each.n:,}", percent(each.base_rate), say(each.roc_auc),
            say(each.brier), say(each.brier_constant), say(each.log_loss),
            say(each.log_loss_constant), f"{each.delivered:,}", percent(each.within),
            percent(each.below_p90),
        ]
        for each in found
    ]  # fmt: skip
    table = Table("", head, rows, frozenset({0}))
    return Section("quality", "Quality", "How good answers were", words, (), [table])


def _estimates(report: LiveReport) -> Section:
    words = [
        "What answers should come to if their probabilities hold (confidence-based performance"
        " estimation, as NannyML's CBPE). Known at once, but it cannot notice that the world has"
        " changed: where the realised figure differs, probabilities do not hold."
    ]
    rows = [_estimate(each) for each in report.estimates]
    realised = next((each for each in report.quality if each.name == ALL), None)
    if realised is not None:
        rows.insert(1, [
            "Realised", f"{realised.n:,}", percent(realised.base_rate), say(realised.roc_auc),
            say(realised.brier), say(realised.log_loss),
        ])  # fmt: skip
    head = ("", "answers", "late", "ROC-AUC", "Brier", "log loss")
    table = Table("", head, rows)
    return Section("estimates", "Estimates", "Before outcomes are known", words, (), [table])


def _estimate(found: Estimate) -> list[str]:
    return [
        f"Estimated, {found.name}", f"{found.n:,}", percent(found.late), say(found.roc_auc),
        say(found.brier), say(found.log_loss),
    ]  # fmt: skip


def _capacity(report: LiveReport) -> Section:
    words = [
        "What people find who work the answers of a day in the order of the list, for one session"
        " of the policy (some of the orders get the same share of the time). An order that they"
        " saved is not late: that is why those that nobody acted on stand apart."
    ]
    rows = [_at_capacity(name.capitalize(), each) for name, each in report.capacity.items()]
    table = Table("", _CAPACITY_HEAD, rows)
    return Section("capacity", "Capacity", "Precision at capacity", words, (), [table])


_CAPACITY_HEAD = (
    "", "days", "looked at", "late", "share late of these", "of all late", "share late",
)  # fmt: skip


def _at_capacity(name: str, found: AtCapacity) -> list[str]:
    return [
        name, f"{found.days:,}", f"{found.looked_at:,}", f"{found.late:,}",
        percent(found.precision), percent(found.recall), percent(found.base_rate),
    ]  # fmt: skip
