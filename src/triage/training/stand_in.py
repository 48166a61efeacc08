"""The rule that answers where no model can: the recipe's lookup, fitted on the log as it is.

It is judged by nobody and promoted by nobody. A service that starts without a champion, or whose
champion is refused, answers by it, says so, and leaves it as soon as a model is promoted.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from triage.models.bundle import write_bundle
from triage.models.champion import RULE, stand_in_with
from triage.training import recipe as recipes
from triage.training.prepared import Progress, prepare, silent
from triage.training.registry import install
from triage.training.train import as_lookup_text, files_of, fit_all


def fit_stand_in(
    name: str, home: Path, *, workspace: Path | None = None, progress: Progress = silent
) -> str:
    """Fit the rule on everything in the log and leave it where a service finds it.

    Args:
        name: the recipe, `training/<name>.toml`.
        home: where the log is; the bundle is written below `<home>/models/<name>`.
        workspace: the declarations, if not those that came with the package.
        progress: told what is being done.

    Returns:
        Its digest.

    Raises:
        HistoryError: if there is no log.
        NotEnoughHistoryError: if the log is too short even for a rule.
    """
    own, text = recipes.load(name, workspace)
    recipe = own.as_lookup()
    prepared = prepare(home, recipe, workspace=workspace, progress=progress)
    fitted = fit_all(prepared, prepared.known_until, recipe, progress)
    files = files_of(prepared, recipe, as_lookup_text(text), fitted)
    with tempfile.TemporaryDirectory(prefix="triage-rule-") as folder:
        digest = write_bundle(Path(folder) / name, name, files)
    install(home, name, digest, files)
    since = datetime.now(UTC).isoformat(timespec="seconds")
    stand_in_with(home, name, {"digest": digest, "version": RULE, "since": since})
    return digest
