"""`triage rule`: the rule that answers where no model can."""

from __future__ import annotations

import os
import subprocess
import sys

from triage.commands.terminal import Home, err, out, settings_of, working
from triage.settings import Settings

_NAME = "at_risk"


def rule(home: Home = None) -> None:
    """Fit the rule that answers where no model can; `triage serve` does it by itself."""
    from triage.training.stand_in import fit_stand_in

    settings = settings_of(home)
    with working("fitting the rule"):
        digest = fit_stand_in(_NAME, settings.home, workspace=settings.workspace)
    out.print(f"the rule {digest[:12]} answers where no model can", highlight=False)


def where_no_model(settings: Settings) -> None:
    """Fit the rule if there is a log and no model whose bytes are whole.

    A process of its own does it: what serves loads nothing that trains. If it fails it says why,
    and the service starts and answers "not ready".
    """
    from triage.history.log import Log
    from triage.serving.main import wants_rule

    if not Log(settings.home).batches() or not wants_rule(settings.home):
        return
    err.print("no model can answer: fitting the rule in its place", highlight=False)
    own = {} if settings.workspace is None else {"TRIAGE_WORKSPACE": str(settings.workspace)}
    command = [sys.executable, "-m", "triage.cli", "rule", "--home", str(settings.home)]
    subprocess.run(command, env=os.environ | own, check=False)  # noqa: S603 - our own command
