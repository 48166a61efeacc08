"""A bundle that is not in force, made to answer as the service would: for gates and notebooks."""

from __future__ import annotations

from dataclasses import dataclass

from triage.advice.policy import Policy, load
from triage.features.engine import FeatureEngine
from triage.history.tables import History
from triage.models.at_risk import AtRiskModel
from triage.serving.scorer import Scorer
from triage.settings import Settings


@dataclass(frozen=True, slots=True)
class Candidates:
    """Serves bundles under one policy; scores are as of the moment of the log."""

    policy: Policy
    version: str = "candidate"

    @classmethod
    def of(cls, settings: Settings) -> Candidates:
        """Take the policy of the workspace.

        Raises:
            DeclarationError: if the policy cannot be used.
        """
        return cls(load(settings.workspace))

    def __call__(
        self, model: AtRiskModel, history: History, engine: FeatureEngine | None = None
    ) -> Scorer:
        """Return a scorer for a bundle and a log; `engine` if one with its records is there."""
        return Scorer(model, self.version, history, self.policy, engine=engine)
