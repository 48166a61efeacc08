"""The service under faults: killed while it scores and takes events, started again, asked again.

    python -m benchmarks.faults [--home .triage/sample] [--kills 20] [--swaps 20] [--promises]
        [--hostile 100000] [--recording] [--restart 100000]

The home (the demo's, made where it is absent) is copied, nothing in it changes. In each round a
client scores orders and sends events, a champion is promoted, and the process is killed with
SIGKILL at a random moment; every fifth time a process that promotes and goes back is killed before,
every tenth a training. Everything that was acknowledged must be there after the next start, the
chain must be whole, and every decision must be made again bit for bit at the end. Champions take
turns under load, and spoilt bundles are promoted. Beside it: how fast events are taken, and with
`--promises` what became of each line of `docs/promises.md`; with `--hostile`, `--recording` and
`--restart` what `benchmarks.hostile`, `.score_http` and `.restart` measure, on the same sheet.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import shutil
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from benchmarks.event_speed import BULK, measure
from benchmarks.fault_beside import beside, show_beside
from benchmarks.fault_models import Mutations, Swaps, mutations, swaps, variant
from benchmarks.fault_service import Service, Traffic, eager, position
from benchmarks.fault_training import (
    pointer_is_whole,
    promoting_killed,
    trained,
    training_killed,
)
from benchmarks.promise_sheet import Shown, show_promises, shown
from triage.demo import prepare
from triage.ledger.audit import verify
from triage.ledger.reading import open_reading
from triage.models.at_risk import NAME
from triage.models.champion import champion, find_champion, point_to
from triage.serving.decisions import KIND
from triage.serving.replay import replay
from triage.settings import Settings

_EVERY_TRAINING, _EVERY_PROMOTION = 10, 5
_EVERY_START = 4
"""So often it is killed while it starts, whether or not anybody was answered."""
_EVERY_LIST = 3
"""So often only once the list stands, which takes longest and lets most be acknowledged."""
_ANSWER_SECONDS = 30.0
SAMPLE = "sample"


@dataclass
class Sheet:
    """What was seen.

    Attributes:
        kills: how often the process was killed.
        decisions, events: acknowledged over all rounds.
        lost_decisions, lost_events: of these, not there after the next start.
        chain_whole: whether the chain verified at the end.
        trainings_killed, promotions_killed: how often a training, or a process that promotes and
            goes back, was killed meanwhile.
        pointers_torn: after how many of these the champion could not be read as a whole.
        replayed, replayed_same: decisions made again, and how many of them were the same.
        replayed_models: how many models had made them.
        swaps, mutations: see `fault_models`.
        start_seconds: of each start, until the first answer.
        bulk_per_second: events taken in NDJSON requests of thousands.
        single_per_second: events acknowledged one by one by 32 clients together.
        single_p50_ms: time of one such acknowledgement.
    """

    kills: int = 0
    decisions: int = 0
    events: int = 0
    lost_decisions: int = 0
    lost_events: int = 0
    chain_whole: bool = False
    replayed: int = 0
    replayed_same: int = 0
    replayed_models: int = 0
    trainings_killed: int = 0
    promotions_killed: int = 0
    pointers_torn: int = 0
    swaps: Swaps | None = None
    mutations: Mutations | None = None
    start_seconds: list[float] = field(default_factory=list)
    bulk_per_second: float = 0.0
    single_per_second: float = 0.0
    single_p50_ms: float = 0.0

    @property
    def all_held(self) -> bool:
        """Return whether nothing was lost, failed, or said otherwise the second time."""
        lost = self.lost_decisions + self.lost_events + self.pointers_torn
        failed = 0 if self.swaps is None else self.swaps.failed
        spoilt = 0 if self.mutations is None else self.mutations.made - self.mutations.refused
        return (
            self.chain_whole
            and (lost, failed, spoilt) == (0, 0, 0)
            and (self.replayed == self.replayed_same)
        )


def run(
    home: Path, kills: int, swapped: int, spoilt: int, *, minutes: float = math.inf,
    port: int = 18_431,
) -> Sheet:  # fmt: skip
    """Return the sheet of a home's copy; nothing is killed after so many minutes."""
    with tempfile.TemporaryDirectory(prefix="triage-faults-") as folder:
        own, workspace = Path(folder) / "home", eager(Path(folder) / "workspace")
        for part in ("history", "models"):
            shutil.copytree(home / part, own / part)
        faults = _Faults(own, workspace, port)
        try:
            return faults.sheet(kills, swapped, spoilt, minutes)
        finally:
            faults.end()


class _Faults:
    """One home that is treated badly in many ways."""

    def __init__(self, home: Path, workspace: Path, port: int, seed: int = 1) -> None:
        self._home, self._workspace, self._port = home, workspace, port
        self._luck = random.Random(seed)  # noqa: S311 - moments to kill at
        self._sheet = Sheet()
        self._training: threading.Thread | None = None
        self._service = self._started()
        listed = self._service.ask("GET", "/v1/worklist?page_size=50")[1]
        self._names = [item["order_id"] for item in listed["items"]]
        self._since = datetime.fromisoformat(listed["as_of"])
        self._number = 0

    def sheet(self, kills: int, swapped: int, spoilt: int, minutes: float) -> Sheet:
        """Return what was seen."""
        found = self._sheet
        first = str(champion(self._home, NAME)["digest"])
        other = variant(self._home, first, 1)
        version, seconds = (
            trained(self._home, self._workspace) if kills >= _EVERY_PROMOTION else ("", 0.0)
        )
        began = time.monotonic()
        for number in range(1, kills + 1):
            if time.monotonic() - began > 60 * minutes:
                break
            self._round(number, [first, other], version, seconds)
        self._training_over()
        found.pointers_torn += not pointer_is_whole(self._home)
        point_to(self._home, NAME, {"digest": first, "version": "1"})
        self._speeds()  # before there is a predecessor that takes events, too
        found.swaps, traffic = swaps(self._service, self._home, self._traffic, swapped)
        self._account(traffic)
        self._tell(f"champions changed {swapped} times")
        found.mutations = mutations(self._service, self._home, spoilt)
        self._tell(f"bundles spoilt {spoilt} times")
        self._service.kill()
        self._replay()
        return found

    def _round(self, number: int, digests: list[str], version: str, seconds: float) -> None:
        """Kill a training or a promotion now and then, and the service."""
        if number % _EVERY_TRAINING == 0:
            self._train(self._luck.uniform(1.0, seconds))
        elif number % _EVERY_PROMOTION == 0:
            point_to(self._home, NAME, {"digest": digests[1], "version": version})
            promoting_killed(self._home, version, self._luck)
            self._sheet.promotions_killed += 1
        self._sheet.pointers_torn += not pointer_is_whole(self._home)
        self._kill(digests)
        self._tell_kills()

    def end(self) -> None:
        """Leave no process behind, whatever happened."""
        self._training_over()
        self._service.kill()

    def _train(self, seconds: float) -> None:
        """Let a training go on beside the next kills, and kill it after some seconds."""
        self._training_over()
        self._training = threading.Thread(
            target=training_killed, args=(self._home, self._workspace, seconds)
        )
        self._training.start()
        self._sheet.trainings_killed += 1

    def _training_over(self) -> None:
        if self._training is not None:
            self._training.join()

    def _tell_kills(self) -> None:
        """Say after each kill what came so far: a run that is stopped has still shown something."""
        found = self._sheet
        self._tell(
            f"killed {found.kills} times: {found.decisions:,} decisions and {found.events:,} events"
            f" acknowledged, {found.lost_decisions} and {found.lost_events} lost,"
            f" {found.pointers_torn} champions torn"
        )

    def _tell(self, done: str) -> None:
        print(f"\r{done}   ", end="" if sys.stderr.isatty() else "\n", file=sys.stderr, flush=True)

    def _started(self) -> Service:
        service = Service(self._home, self._workspace, self._port)
        self._sheet.start_seconds.append(round(service.took, 2))
        return service

    def _traffic(self) -> Traffic:
        return Traffic(self._service, self._names, self._number, self._since)

    def _kill(self, digests: list[str]) -> None:
        """Kill the service at a random moment while it scores, takes events and changes models."""
        traffic = self._traffic()
        traffic.start()
        if self._sheet.kills % _EVERY_START:
            traffic.answered.wait(_ANSWER_SECONDS)
            if self._sheet.kills % _EVERY_LIST == 0:
                self._service.rested()
        time.sleep(self._luck.uniform(0.1, 1.0))
        named = self._luck.choice(digests)
        point_to(self._home, NAME, {"digest": named, "version": named[:8]})
        time.sleep(self._luck.uniform(0.1, 1.0))
        self._service.kill()
        traffic.join()
        self._sheet.kills += 1
        self._service = self._started()
        self._account(traffic)

    def _account(self, traffic: Traffic) -> None:
        """Look for everything that was acknowledged."""
        found, service = self._sheet, self._service
        found.decisions += len(traffic.decisions)
        found.events += len(traffic.events)
        for decision in traffic.decisions:
            found.lost_decisions += service.ask("GET", f"/v1/decisions/{decision}")[0] != 200
        again = [position(number, self._since) for number in traffic.events]
        for at in range(0, len(again), BULK):
            body = json.dumps({"events": again[at : at + BULK]}).encode()
            found.lost_events += service.ask("POST", "/v1/events", body)[1]["accepted"]
        self._number = traffic.number + 1

    def _speeds(self) -> None:
        """Measure a service that has just begun with one model, once it rests and is warm."""
        self._service.kill()
        self._service = self._started()
        self._service.rested()
        _, self._number = measure(self._service, self._number, self._since)
        speed, self._number = measure(self._service, self._number, self._since)
        self._sheet.bulk_per_second = speed.bulk_per_second
        self._sheet.single_per_second = speed.single_per_second
        self._sheet.single_p50_ms = speed.single_p50_ms

    def _replay(self) -> None:
        reading = open_reading(self._home)
        try:
            self._sheet.chain_whole = verify(reading).ok
            made = list(replay(self._home, reading, reading.entries(1, KIND)))
        finally:
            reading.close()
        self._sheet.replayed = len(made)
        self._sheet.replayed_same = sum(each.same for each in made)
        self._sheet.replayed_models = len({each.decision.basis.model for each in made})


def _step(done: str) -> None:
    print(done, file=sys.stderr)


def show(sheet: Sheet) -> None:
    """Print the sheet."""
    starts = sorted(sheet.start_seconds)
    print(
        f"kill -9: {sheet.kills} times while scoring, taking events and changing models;"
        f" {sheet.trainings_killed} trainings and {sheet.promotions_killed} promotions,"
        f" champions torn {sheet.pointers_torn}"
    )
    print(f"  decisions acknowledged {sheet.decisions:,}, lost {sheet.lost_decisions}")
    print(f"  events acknowledged    {sheet.events:,}, lost {sheet.lost_events}")
    print(f"  chain whole: {'yes' if sheet.chain_whole else 'NO'}")
    print(
        f"  made again {sheet.replayed:,}, the same bit for bit {sheet.replayed_same:,},"
        f" by {sheet.replayed_models} models"
    )
    if sheet.swaps is not None:
        each = sheet.swaps
        print(
            f"champion changed {each.swaps} times under load ({each.loaded} loaded anew,"
            f" {each.models} models): {each.answers:,} answers, {each.failed} failed"
        )
    if sheet.mutations is not None:
        print(f"spoilt bundles: {sheet.mutations.made}, refused {sheet.mutations.refused}")
    print(f"  start to first answer: median {starts[len(starts) // 2]} s")
    print(f"events: {sheet.bulk_per_second:,.0f} a second in bulk (NDJSON of {BULK:,})")
    print(
        f"  {sheet.single_per_second:,.0f} a second one by one from 32 clients,"
        f" p50 {sheet.single_p50_ms} ms"
    )


def main() -> None:
    """Measure and print; fails if anything was lost or differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, default=Path(".triage") / SAMPLE)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=math.inf, help="no kill after so many")
    parser.add_argument("--swaps", type=int, default=20, help="changes of champion under load")
    parser.add_argument("--spoilt", type=int, default=50, help="bundles that are to be refused")
    parser.add_argument("--promises", action="store_true", help="provoke each line of the sheet")
    parser.add_argument("--hostile", type=int, default=0, help="so many hostile requests, too")
    parser.add_argument("--recording", action="store_true", help="what a record adds, too")
    parser.add_argument(
        "--restart",
        type=int,
        default=0,
        help="a restart with so many orders, of ten records each, too",
    )
    parser.add_argument("--json", action="store_true", help="print JSON only")
    options = parser.parse_args()
    if find_champion(options.home, NAME) is None:
        prepare(SAMPLE, None, Settings(home=options.home), _step)
    sheet = run(options.home, options.kills, options.swaps, options.spoilt, minutes=options.minutes)
    if not options.json:  # as it comes: what follows takes long
        show(sheet)
        sys.stdout.flush()
    lines: list[Shown] = shown() if options.promises else []
    if not options.json:
        show_promises(lines)
        sys.stdout.flush()
    other = beside(options.home, options.hostile, options.restart, recording=options.recording)
    if options.json:
        promised = [asdict(line) | {"verdict": line.verdict} for line in lines]
        told = asdict(sheet) | asdict(other) | {"promises": promised}
        print(json.dumps(told, indent=2))
    else:
        show_beside(other)
    if not sheet.all_held or not other.held or any(line.broken for line in lines):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
