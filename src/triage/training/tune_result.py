"""What a search for a better recipe found, in words and as a recipe that can be trained."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from triage.training.metrics import losses, paired_gain, score
from triage.training.tune_space import Values

_RESAMPLES, _SEED = 500, 20180301


@dataclass(frozen=True, slots=True)
class Tuned:
    """The result of a search.

    Attributes:
        name: the recipe.
        path: the best recipe, written.
        values: setting -> value of the best trial.
        former: setting -> value of the recipe.
        own_loss: log loss of the recipe on the judging months (mean over landmarks).
        best_loss: the same of the best trial.
        trials: finished trials, those ended early included.
        judging: months that judged the trials.
        held_back: months that were scored once, at the end.
        figures: what `compare` gives for them.
    """

    name: str
    path: Path
    values: Values
    former: Values
    own_loss: float
    best_loss: float
    trials: int
    judging: tuple[str, ...]
    held_back: tuple[str, ...]
    figures: pd.DataFrame

    @property
    def holds_up(self) -> bool:
        """Return whether it is surely better at a landmark and surely worse at none, held back."""
        return bool((self.figures["low"] > 0).any() and (self.figures["high"] >= 0).all())

    def changes(self) -> list[str]:
        """Return one line a setting that the search changed."""
        return [
            f"{name}: {self.former[name]:g} -> {value:g}"
            for name, value in self.values.items()
            if value != self.former[name]
        ]

    def lines(self) -> list[str]:
        """Return the result in lines of words."""
        found = [
            f"{self.trials} trials on {', '.join(self.judging)}: log loss {self.own_loss:.4f} ->"
            f" {self.best_loss:.4f}",
            f"on {', '.join(self.held_back)}, which the search did not look at:",
        ]
        found += [
            (
                f"  {row['landmark']}: log loss {row['recipe_log_loss']:.4f} ->"
                f" {row['tuned_log_loss']:.4f} (lower by {row['gain']:.4f}, 95 % between"
                f" {row['low']:.4f} and {row['high']:.4f}), PR-AUC {row['recipe_pr_auc']:.3f} ->"
                f" {row['tuned_pr_auc']:.3f}, ECE {row['recipe_ece']:.3f} -> {row['tuned_ece']:.3f}"
            )
            for row in self.figures.to_dict("records")
        ]
        return [*found, self.verdict()]

    def verdict(self) -> str:
        """Return what to think of it."""
        if not self.changes():
            return "no trial was better than the recipe: keep it"
        if self.holds_up:
            return "better on the months held back as well"
        return "no clear gain on the months held back: keep the recipe, or search on"

    def next_command(self, workspace: Path, home: Path) -> str:
        """Return the command that comes next: train the tuned recipe, or search on."""
        place = f"--home {shlex.quote(str(home))}"
        if not self.changes() or not self.holds_up:
            return f"triage tune {self.name} --trials {2 * self.trials} {place}"
        recipe = workspace / "training" / f"{self.name}.toml"
        copy = f"cp {shlex.quote(str(self.path))} {shlex.quote(str(recipe))}"
        return f"{copy} && triage train {self.name} {place}"

    def plain(self) -> dict[str, float]:
        """Return the figures by name, for the catalogue."""
        found = {"recipe_log_loss": self.own_loss, "best_log_loss": self.best_loss}
        for row in self.figures.to_dict("records"):
            landmark = row.pop("landmark")
            found |= {f"{landmark}/held_back/{name}": float(value) for name, value in row.items()}
        return {name: value for name, value in found.items() if value == value}  # noqa: PLR0124


def compare(recipe: pd.DataFrame, tuned: pd.DataFrame) -> pd.DataFrame:
    """Return the figures of two prediction frames of the same rows, by landmark.

    Returns:
        landmark, n, log loss, PR-AUC and ECE of both (`recipe_...`, `tuned_...`), and how much
        lower the second one's log loss is: gain, low, high (95 %, paired bootstrap by order).
    """
    rows = []
    for landmark, before in recipe.groupby("landmark", sort=False):
        after = tuned.loc[before.index]
        scores = {
            "recipe": score(before["late"], before["model"]),
            "tuned": score(after["late"], after["model"]),
        }
        lower = losses(before["late"], before["model"]) - losses(after["late"], after["model"])
        by_order = pd.Series(lower).groupby(before["order_id"].to_numpy()).mean()
        gain, _, low, high = paired_gain(by_order.to_numpy(), _RESAMPLES, _SEED)
        rows.append(
            {"landmark": landmark, "n": len(before)}
            | {
                f"{who}_{name}": getattr(figures, name)
                for name in ("log_loss", "pr_auc", "ece")
                for who, figures in scores.items()
            }
            | {"gain": gain, "low": low, "high": high}
        )
    return pd.DataFrame(rows)


def write(tuned: Tuned, text: str) -> None:
    """Write the tuned recipe with its figures on top, as a whole."""
    head = [f"{tuned.name}, tuned.", *tuned.lines(), *tuned.changes()]
    partial = tuned.path.with_suffix(".partial")
    partial.write_text("".join(f"# {line}\n" for line in head) + text, encoding="utf-8")
    partial.replace(tuned.path)
