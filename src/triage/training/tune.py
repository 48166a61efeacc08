"""A search for a better recipe, judged by months before those on which training evaluates.

Optuna's TPE (Bergstra et al. 2011; Akiba et al. 2019) over the ranges of `training/tune.toml`.
Features are computed once; a trial only fits. The search can be interrupted and goes on from its
store; the months of the recipe's evaluation are scored once, when it is over.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from triage.training import recipe as recipes
from triage.training import side_runs, tune_space
from triage.training.metrics import settled
from triage.training.prepared import prepare
from triage.training.recipe import Recipe
from triage.training.tracking import open_catalogue
from triage.training.train import evaluate_months
from triage.training.tune_objective import Months, Objective
from triage.training.tune_result import Tuned, compare, write

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from optuna import Study
    from optuna.trial import FrozenTrial

Progress = Callable[[str], None]
_STORE = "studies.db"
_PARENT, _IS_RECIPE = "mlflow_run", "recipe"


def tune(
    name: str,
    home: Path,
    *,
    trials: int,
    minutes: float,
    workspace: Path | None = None,
    progress: Progress = lambda _: None,
) -> Tuned:
    """Search for a better recipe and write the best one to `<home>/tuned/<name>.toml`.

    Args:
        name: the recipe, `training/<name>.toml`.
        home: where the log is; search and result are kept in `<home>/tuned`.
        trials: how many trials the search shall have in all, earlier ones included.
        minutes: no trial is begun after that time.
        workspace: the declarations, if not those that came with the package.
        progress: told what is being done.

    Raises:
        HistoryError: if there is no log.
        NotEnoughHistoryError: if the log is too short to hold months back and judge by others.
        DeclarationError: if the search space does not fit the recipe.
    """
    recipe, text = recipes.load(name, workspace)
    space = tune_space.load(workspace)
    space.own(recipe)
    prepared = prepare(home, recipe, workspace=workspace, progress=progress)
    months = Months.of(prepared, recipe, space.study.months)
    folder = home / "tuned"
    folder.mkdir(parents=True, exist_ok=True)
    identity = hashlib.sha256(
        "\n".join([text, space.model_dump_json(), prepared.fingerprint]).encode()
    )
    with open_catalogue(home) as client, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study = _open(folder, f"{name}-{identity.hexdigest()[:12]}", space, recipe)
        parent = _parent(study, client, home, name, months)
        objective = Objective(prepared, recipe, space, months, progress)
        try:
            _search(study, objective, trials, minutes, Recorder(client, home, name, parent))
            best, own = _best(study)
            values = {key: tune_space.readable(study.best_params[key]) for key in space.space}
            progress(f"recipe and best trial on {', '.join(months.held_back)}")
            figures = compare(
                *(
                    settled(evaluate_months(prepared, each, months.held_back))
                    for each in (recipe, tune_space.changed(recipe, values))
                )
            )
        except BaseException:
            client.set_terminated(parent, "FAILED")
            raise
        tuned = Tuned(
            name, folder / f"{name}.toml", values, space.own(recipe), own, best,
            len(_finished(study)), months.judging, months.held_back, figures,
        )  # fmt: skip
        write(tuned, tune_space.changed_text(text, recipe, values))
        side_runs.note(client, parent, figures=tuned.plain())
        client.log_artifact(parent, str(tuned.path))
        client.set_terminated(parent)
    return tuned


@dataclass(frozen=True, slots=True)
class Recorder:
    """Puts each finished trial into the catalogue, below the run of the search."""

    client: MlflowClient
    home: Path
    name: str
    parent: str

    def __call__(self, _: Study, trial: FrozenTrial) -> None:
        """Record one trial; called by Optuna when it is finished."""
        run = side_runs.begin(
            self.client,
            self.home,
            self.name,
            "trial",
            f"trial {trial.number + 1}",
            tags={"state": trial.state.name.lower()},
            parent=self.parent,
        )
        figures = {} if trial.value is None else {"log_loss": float(trial.value)}
        side_runs.note(self.client, run, parameters=trial.params, figures=figures)
        self.client.set_terminated(run)


def _open(folder: Path, title: str, space: tune_space.Space, recipe: Recipe) -> Study:
    """Return the study of this recipe, space and data; the recipe itself is its first trial."""
    import optuna  # noqa: PLC0415

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    settings = space.study
    study = optuna.create_study(
        storage=f"sqlite:///{folder.resolve() / _STORE}",
        study_name=title,
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(
            n_startup_trials=settings.startup_trials, n_warmup_steps=settings.prune_after_months - 1
        ),
    )
    study.sampler = optuna.samplers.TPESampler(
        seed=settings.seed + len(study.trials), n_startup_trials=settings.startup_trials
    )
    states = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.WAITING)
    known = [
        t for t in study.get_trials(deepcopy=False, states=states) if _IS_RECIPE in t.user_attrs
    ]
    if not known:
        study.enqueue_trial(space.own(recipe), user_attrs={_IS_RECIPE: True})
    return study


def _search(
    study: Study, objective: Objective, trials: int, minutes: float, recorder: Recorder
) -> None:
    missing = trials - len(_finished(study))
    if missing > 0:
        limit = timedelta(minutes=minutes).total_seconds()
        study.optimize(objective, n_trials=missing, timeout=limit, callbacks=[recorder])


def _finished(study: Study) -> list[object]:
    from optuna.trial import TrialState  # noqa: PLC0415

    return list(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED)))


def _best(study: Study) -> tuple[float, float]:
    """Return the losses of the best trial and of the recipe."""
    own = next(t.value for t in study.trials if _IS_RECIPE in t.user_attrs and t.value is not None)
    return float(study.best_value), float(own)


def _parent(study: Study, client: MlflowClient, home: Path, name: str, months: Months) -> str:
    """Return the run of the search in the catalogue: the one it had when it is resumed."""
    from mlflow.exceptions import MlflowException  # noqa: PLC0415

    known = study.user_attrs.get(_PARENT)
    if known is not None:
        try:
            client.update_run(known, status="RUNNING")
        except MlflowException:
            pass  # the catalogue was removed; the study goes on with a new run
        else:
            return str(known)
    run = side_runs.begin(client, home, name, "tune", f"tune {study.study_name}")
    side_runs.note(
        client, run,
        parameters={"judging": ", ".join(months.judging), "held_back": ", ".join(months.held_back)},
    )  # fmt: skip
    study.set_user_attr(_PARENT, run)
    return run
