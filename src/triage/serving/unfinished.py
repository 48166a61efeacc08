"""What a crash took of decisions that were answered: made again from their intents, and recorded.

Whoever was answered has the same score, effects and advice; only the order's place in the list at
that moment is not known any more. That nobody got the answer is possible, too: a decision that was
being made when the process ended is made as well, unless it was taken back.

    python -m triage.serving.unfinished HOME < INTENTS > DECISIONS

makes them in a process of its own, as log and model are read for it once more: one intent a line
in, as [id, intent], and for each one line out, what is to be recorded of it.
TRIAGE_LEDGER_URL says where the store is.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json, to_json

from triage.errors import TriageError
from triage.ledger.entries import Draft, canonical
from triage.ledger.errors import DamagedJournalError, StoreUnavailableError
from triage.ledger.intents import given_up_id
from triage.ledger.reading import Reading, open_reading
from triage.serving import answers
from triage.serving.decisions import Decisions, Intent, decided
from triage.serving.replay import Maker, by_basis
from triage.settings import Settings

_TOGETHER = 500
_LOOK_SECONDS = 0.2
_PAUSE_SECONDS, _MOST_PAUSE_SECONDS = 5.0, 300.0
_CLEAR_SECONDS = 5.0
_POLITE = 15
_SET_END_SIGNAL = 1  # PR_SET_PDEATHSIG
_LOG = logging.getLogger("triage.serving")
_PASSES = (StoreUnavailableError, DamagedJournalError, OSError, MemoryError)
"""Errors that say nothing of a decision: another time it can be made (the writer of the journal
goes on beside its reader)."""


class UnfinishedError(TriageError):
    """Decisions that a crash left could not be made again."""

    slug = "unfinished"


async def finish(decisions: Decisions, settings: Settings, may: Callable[[], bool]) -> None:
    """Record the decisions that a crash left unfinished; returns when that is done.

    What can never be made again is recorded as an alarm. Where it fails otherwise (the store is
    down, memory is short) it is tried again, less and less often.

    Args:
        decisions: records them.
        settings: where log, events and bundles are, and the ledger's store.
        may: whether it may begin: the service's own start comes first.
    """
    made: dict[str, Draft] = {}
    pause = _PAUSE_SECONDS
    while decisions.ledger.intents.left and not may():
        await asyncio.sleep(_LOOK_SECONDS)
    while decisions.ledger.intents.left:
        try:
            await _finish(decisions, settings, made)
        except Exception as error:  # noqa: BLE001 - the service lives on, and says so
            _LOG.error("decisions that a crash left wait %g s more: %s", pause, _said(error))
            await asyncio.sleep(pause)
            pause = min(2 * pause, _MOST_PAUSE_SECONDS)


async def _finish(decisions: Decisions, settings: Settings, made: dict[str, Draft]) -> None:
    """Make and record what has no entry; what is `made` is not made again."""
    ledger = decisions.ledger
    missing = await asyncio.to_thread(ledger.unfinished)
    if fresh := {entry_id: missing[entry_id] for entry_id in missing if entry_id not in made}:
        made |= await _made_beside(settings, fresh)
    drafts = [made[entry_id] for entry_id in missing]
    for start in range(0, len(drafts), _TOGETHER):
        await decisions.record(drafts[start : start + _TOGETHER])
    if drafts:
        _LOG.warning("%d decisions that a crash had left unfinished were made again", len(drafts))
    await asyncio.to_thread(ledger.intents.made_up_for, _CLEAR_SECONDS)


async def _made_beside(settings: Settings, intents: Mapping[str, bytes]) -> dict[str, Draft]:
    """Do as `make`, in another process.

    Raises:
        UnfinishedError: if that fails.
    """
    url = settings.ledger_url
    where = {} if url is None else {"TRIAGE_LEDGER_URL": url}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, str(settings.home), env=os.environ | where,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    asked = b"\n".join(
        to_json([entry_id, kept.decode(errors="replace")]) for entry_id, kept in intents.items()
    )
    try:
        told, said = await process.communicate(asked)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    drafts = [_draft(line) for line in told.splitlines()]
    if process.returncode or len(drafts) < len(intents):
        lines = said.decode(errors="replace").strip().splitlines() or ["it was ended"]
        raise UnfinishedError(f"decisions that a crash left could not be made: {lines[-1]}")
    return dict(zip(intents, drafts, strict=True))


def _draft(line: bytes) -> Draft:
    told = from_json(line)
    for part in ("body", "personal"):
        told[part] = None if told[part] is None else told[part].encode()
    return Draft(**told)


def make(home: Path, url: str | None, intents: Mapping[str, bytes]) -> dict[str, Draft]:
    """Return what is to be recorded of intents: decisions, and alarms where that is not possible.

    Args:
        home: the service's home, with log, events and bundles.
        url: the ledger's store, to read from.
        intents: by the id of the decision, of any basis, in any sequence.

    Raises:
        StoreUnavailableError: if the store is not there now; so with others of `_PASSES`.
    """
    made: dict[str, Draft] = {}
    read: list[Intent] = []
    for entry_id, kept in intents.items():
        try:
            read.append(replace(Intent.from_json(kept), id=entry_id))
        except ValidationError as error:
            made[entry_id] = _alarm({"id": entry_id}, error)
    reading = open_reading(home, url)
    try:
        for own in by_basis(read):
            made |= _of_one_basis(home, reading, own)
    finally:
        reading.close()
    return made


def _of_one_basis(home: Path, reading: Reading, intents: list[Intent]) -> dict[str, Draft]:
    try:
        maker = Maker(home, reading, intents[0].basis)
    except _PASSES:
        raise
    except Exception as error:  # noqa: BLE001 - nothing else may be held up by it
        return {each.id: _lost(each, error) for each in intents}
    return {each.id: _made(maker, each) for each in intents}


def _made(maker: Maker, intent: Intent) -> Draft:
    try:
        said, answer = maker.make(intent)
    except _PASSES:
        raise
    except Exception as error:  # noqa: BLE001 - nothing else may be held up by it
        return _lost(intent, error)
    content = answers.dump(answer | {"decision_id": intent.id})
    return decided(
        intent.id, to_json(intent.basis), to_json(intent.asked), content, said,
        whole=(intent.asked or {}).get("order") is not None, at=intent.at,
    )  # fmt: skip


def _lost(intent: Intent, error: Exception) -> Draft:
    return _alarm(asdict(intent) | {"asked": None}, error, intent.at)


def _alarm(intent: dict[str, Any], error: Exception, at: int | None = None) -> Draft:
    body = {"alarm": "decision_lost", "intent": intent, "why": _said(error)}
    return Draft("alarm", canonical(body), id=given_up_id(intent["id"]), at=at)


def _said(error: Exception) -> str:
    """Return what went wrong, but nothing that was asked, which others' texts may hold."""
    if not isinstance(error, TriageError):
        return type(error).__name__
    return str(error) if error.status >= 500 else error.title()


def _end_with_parent() -> None:
    """Let the operating system end this process with the one that started it, where it can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_END_SIGNAL, signal.SIGKILL)


if __name__ == "__main__":
    os.nice(_POLITE)
    _end_with_parent()
    asked = dict(map(from_json, sys.stdin.buffer.read().splitlines()))
    kept = {entry_id: intent.encode() for entry_id, intent in asked.items()}
    try:
        found = make(Path(sys.argv[1]), Settings().ledger_url, kept)
    except Exception as error:  # noqa: BLE001 - its text goes to the log of the service
        sys.exit(_said(error))
    for entry_id in kept:
        sys.stdout.buffer.write(to_json(found[entry_id]) + b"\n")
