from __future__ import annotations

import json
import re

import pytest

from triage import workspace
from triage.serving.metrics import Metrics

DASHBOARD = json.loads((workspace.root() / "serving/dashboards/grafana.json").read_text())
_NAME = re.compile(r"\btriage_[a-z_]+")
_ENDINGS = ("_total", "_bucket")


def known() -> set[str]:
    """Names of all series that the service gives, with those that histograms and counters add."""
    found = set()
    for metric in Metrics().registry.collect():
        found |= {metric.name, *(f"{metric.name}{ending}" for ending in _ENDINGS)}
    return found


@pytest.mark.parametrize("panel", DASHBOARD["panels"], ids=lambda panel: str(panel["title"]))
def test_a_panel_asks_for_series_that_the_service_gives(panel: dict[str, object]) -> None:
    targets = panel["targets"]
    assert isinstance(targets, list)
    asked = {name for target in targets for name in _NAME.findall(target["expr"])}
    assert asked
    assert asked <= known()


def test_every_number_of_the_service_is_on_the_dashboard() -> None:
    shown = " ".join(target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"])
    names = {metric.name for metric in Metrics().registry.collect()}
    assert {name for name in names if name not in shown} == set()
