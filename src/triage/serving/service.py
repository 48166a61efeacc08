"""What one running app holds: where advice comes from, its settings, its clock, its numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from triage.serving.advisor import Advisor, AdvisorProvider
from triage.serving.challenger import Challenger
from triage.serving.changes import Changes
from triage.serving.decisions import Decisions
from triage.serving.exceptions.correcting import Corrections
from triage.serving.exceptions.desk import ExceptionDesk
from triage.serving.exceptions.queue import ExceptionQueue
from triage.serving.handling.desk import HandlingDesk
from triage.serving.live import Live
from triage.serving.metrics import Metrics
from triage.serving.operations import Operations
from triage.serving.outcomes.watch import OutcomeWatch
from triage.serving.pages.saved_views import SavedViews
from triage.serving.price_desk import PriceDesk
from triage.serving.shadow import Shadow
from triage.serving.warming import Warming
from triage.serving.worklist_index import EMPTY, WorklistIndex
from triage.settings import Settings


@dataclass(frozen=True, slots=True)
class Refused:
    """A model that was promoted while the service ran and could not be loaded.

    Attributes:
        version: its version in the registry.
        digest: of its bundle.
        problem: why, in words.
    """

    version: str
    digest: str
    problem: str


@dataclass(slots=True)
class Service:
    """The parts that routes share.

    Attributes:
        provider: gives the advisor, or raises NotReadyError.
        settings: limits and addresses.
        clock: wall clock, UTC micros; only stamps answers (`scored_at`, `stale_at`).
        metrics: counters of this app.
        challenger: the model that scores unseen, if one was named.
        shadow: its queue; None if nothing scores unseen.
        prices: assesses prices of lines, if there is a model of prices.
        exceptions: classifies exceptions, if there is a model of them.
        queue: open exceptions, if there is a model of them.
        operations: figures of the operations page; None while nothing is kept.
        outcomes: what came of answers; None where nothing is recorded.
        corrections: what people said exceptions are; None where nothing is recorded.
        decisions: records answers; None where nothing is recorded.
        handling: takes what people do with orders; None where nothing is recorded.
        handling_exceptions: takes what they do with exceptions; None also without a queue.
        views: views of the list that people saved; None where nothing is recorded.
        changes: tells what changes; None while no events are taken.
        live: keeps the state up with events; None while nothing can be kept.
        refused: the model that was promoted last, if it cannot be loaded; another answers.
        warming: ranks the first list; None where it is ranked when it is first asked for.
    """

    provider: AdvisorProvider
    settings: Settings
    clock: Callable[[], int]
    metrics: Metrics
    challenger: Challenger | None = None
    shadow: Shadow | None = None
    prices: PriceDesk | None = None
    exceptions: ExceptionDesk | None = None
    queue: ExceptionQueue | None = None
    corrections: Corrections | None = None
    operations: Operations | None = None
    outcomes: OutcomeWatch | None = None
    decisions: Decisions | None = None
    handling: HandlingDesk | None = None
    handling_exceptions: HandlingDesk | None = None
    views: SavedViews | None = None
    changes: Changes | None = None
    live: Live | None = None
    refused: Refused | None = None
    warming: Warming | None = None
    _index: WorklistIndex = field(default=EMPTY)
    _listed_through: int = 0

    def advisor(self) -> Advisor:
        """Return the advisor in charge.

        Raises:
            NotReadyError: until a model is loaded.
        """
        return self.provider()

    @property
    def applied(self) -> int:
        """Return the number of the newest event that answers are made from; 0 without any."""
        return 0 if self.live is None else self.live.applied

    @property
    def warmed(self) -> bool:
        """Return whether the first list stands, or is made when it is first asked for."""
        return self.warming is None or self.warming.over

    async def recorded(self) -> None:
        """Wait until readers of the record see what was answered."""
        if self.decisions is not None:
            await self.decisions.landed()

    async def listed(self) -> None:
        """Wait until the first list is ranked."""
        if self.warming is not None:
            await self.warming.ranked()

    def index(self, advisor: Advisor) -> WorklistIndex:
        """Return the index of the advisor's worklist, rebuilt only for a new worklist.

        In the first seconds it is empty, and not ranked (see `listed`).
        """
        if not self.warmed:
            return EMPTY
        through = self.through()
        worklist = advisor.worklist()
        if self._index.worklist is not worklist:
            through = 0 if self.changes is None else self.changes.last
            self._index = WorklistIndex(worklist)
            if self.shadow is not None:
                self.shadow.put_worklist(self.clock(), worklist)
        self._listed_through = through
        return self._index

    def through(self) -> int:
        """Return the number of the newest change that a page shows which is made now.

        A list that rests before it is ranked anew lacks the changes since it was.
        """
        changes = self.changes
        if changes is None:
            return 0
        return changes.last if self._listed_through >= changes.moved else self._listed_through
