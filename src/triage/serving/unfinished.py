"""What a crash took of decisions that were answered: made again from their intents, and recorded.

Whoever was answered has the same score, effects and advice; only the order's place in the list at
that moment is not known any more. That nobody got the answer is possible, too: a decision that was
being made when the process ended is made as well.

    python -m triage.serving.unfinished HOME < INTENTS > DECISIONS

makes them in a process of its own, as log and model are read for it once more: one intent a line
in, one decision a line out. TRIAGE_LEDGER_URL says where the store is.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from pydantic_core import from_json, to_json

from triage.errors import TriageError
from triage.ledger.entries import Draft, canonical
from triage.ledger.errors import StoreUnavailableError
from triage.ledger.ledger import Ledger
from triage.ledger.reading import open_reading
from triage.serving import answers
from triage.serving.decisions import Decisions, Intent, decided
from triage.serving.replay import Maker, ReplayError, by_basis
from triage.settings import Settings

_TOGETHER = 500
_LOOK_SECONDS, _PAUSE_SECONDS = 0.2, 5.0
_CLEAR_SECONDS = 5.0
_POLITE = 15
_LOG = logging.getLogger("triage.serving")


class UnfinishedError(TriageError):
    """Decisions that a crash left could not be made again."""

    slug = "unfinished"


async def finish(decisions: Decisions, settings: Settings, may: Callable[[], bool]) -> None:
    """Record the decisions that a crash left unfinished; returns when that is done.

    What can never be made again is recorded as an alarm. Where making them fails otherwise, the
    intents are kept for the next start.

    Args:
        decisions: records them.
        settings: where log, events and bundles are, and the ledger's store.
        may: whether it may begin: the service's own start comes first.
    """
    while decisions.ledger.intents.left and not may():
        await asyncio.sleep(_LOOK_SECONDS)
    while True:
        try:
            await _finish(decisions, settings.home, settings.ledger_url)
        except StoreUnavailableError as error:
            _LOG.warning("unfinished decisions wait: %s", error)
            await asyncio.sleep(_PAUSE_SECONDS)
        except UnfinishedError as error:
            _LOG.error("%s", error)
            return
        else:
            return


async def _finish(decisions: Decisions, home: Path, url: str | None) -> None:
    ledger = decisions.ledger
    if not ledger.intents.left:
        return
    if missing := await asyncio.to_thread(_missing, ledger):
        drafts = await _made_beside(home, url, missing)
        for start in range(0, len(drafts), _TOGETHER):
            await decisions.record(drafts[start : start + _TOGETHER])
        _LOG.warning("%d decisions that a crash had left unfinished were made again", len(drafts))
    await asyncio.to_thread(ledger.intents.made_up_for, _CLEAR_SECONDS)


def _missing(ledger: Ledger) -> list[Intent]:
    left = map(Intent.from_json, ledger.intents.left)
    return [each for each in left if not any(map(ledger.get, (each.id, alarm_id(each))))]


async def _made_beside(home: Path, url: str | None, intents: Sequence[Intent]) -> list[Draft]:
    """Make decisions in another process.

    Raises:
        UnfinishedError: if that fails.
    """
    where = {} if url is None else {"TRIAGE_LEDGER_URL": url}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, str(home), env=os.environ | where,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        told, said = await process.communicate(b"\n".join(map(to_json, intents)))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        lines = said.decode(errors="replace").strip().splitlines() or ["it was ended"]
        raise UnfinishedError(f"decisions that a crash left could not be made: {lines[-1]}")
    return [_draft(line) for line in told.splitlines()]


def _draft(line: bytes) -> Draft:
    told = from_json(line)
    for part in ("body", "personal"):
        told[part] = None if told[part] is None else told[part].encode()
    return Draft(**told)


def make(home: Path, url: str | None, intents: Iterable[Intent]) -> Iterator[Draft]:
    """Yield the decisions that intents come to; none for what could not be answered.

    Args:
        home: the service's home, with log, events and bundles.
        url: the ledger's store, to read from.
        intents: of any basis, in any sequence.
    """
    reading = open_reading(home, url)
    try:
        for own in by_basis(intents):
            try:
                maker = Maker(home, reading, own[0].basis)
            except StoreUnavailableError:  # it will be there another time
                raise
            except TriageError as error:
                yield from (_alarm(each, error) for each in own)
                continue
            yield from (draft for each in own if (draft := _made(maker, each)) is not None)
    finally:
        reading.close()


def _made(maker: Maker, intent: Intent) -> Draft | None:
    try:
        said, answer = maker.make(intent)
    except ReplayError as error:
        return _alarm(intent, error)
    except TriageError as error:
        if error.status >= 500:
            raise
        return None  # what was asked then was refused then, too
    content = answers.dump(answer | {"decision_id": intent.id})
    return decided(
        intent.id, to_json(intent.basis), to_json(intent.asked), content, said,
        whole=(intent.asked or {}).get("order") is not None, at=intent.at,
    )  # fmt: skip


def _alarm(intent: Intent, error: TriageError) -> Draft:
    body = {"alarm": "decision_lost", "intent": asdict(intent) | {"asked": None}, "why": str(error)}
    return Draft("alarm", canonical(body), id=alarm_id(intent), at=intent.at)


def alarm_id(intent: Intent) -> str:
    """Return the id of the entry that says of a decision that it cannot be made again."""
    return f"alarm:{intent.id}"


if __name__ == "__main__":
    os.nice(_POLITE)
    kept = [Intent.from_json(line) for line in sys.stdin.buffer.read().splitlines()]
    for found in make(Path(sys.argv[1]), Settings().ledger_url, kept):
        sys.stdout.buffer.write(to_json(found) + b"\n")
