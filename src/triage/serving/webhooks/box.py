"""What is to be delivered, on the disk until it was: the journal under `<home>/webhooks`.

A frame is one step of one event for one receiver: put, done, dead, again (a dead letter is tried
once more) or dropped. What is neither done nor dropped is still there after a crash, so a receiver
gets it at least once; the same id at every attempt lets it tell. Between them lie notes of what was
told last, each after what told it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic_core import to_json

from triage.ledger.errors import StoreUnavailableError
from triage.ledger.journal import Journal
from triage.ledger.recovery import read_folder
from triage.serving.last_told import LastTold

FOLDER = "webhooks"
_JOURNAL, _AGAIN = "journal", "again"
_SEGMENT_BYTES = 1 << 20
_CARRY_FRAMES = 20_000
"""Frames after which what is still needed is written anew, so that old files can go; as many as
there are open orders, if these are more."""
_LOG = logging.getLogger("triage.serving")
Key = tuple[str, str]
"""Receiver and id."""
Step = Literal["put", "done", "dead", "again", "dropped"]


@dataclass(frozen=True, slots=True)
class Letter:
    """One event for one receiver.

    Attributes:
        to: name of the subscription.
        id: of the event; the same for every receiver and at every attempt.
        type: what happened.
        at: when it was put here, UTC micros.
        body: the JSON that is sent.
    """

    to: str
    id: str
    type: str
    at: int
    body: str = field(repr=False)

    @property
    def key(self) -> Key:
        """Return what tells it from others."""
        return self.to, self.id


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that was given up.

    Attributes:
        letter: the event.
        why: what the last attempt failed of, in words.
        attempts: how many there were since the service started.
        at: when it was given up, UTC micros.
    """

    letter: Letter
    why: str
    attempts: int
    at: int


class Held:
    """What a journal of webhooks holds.

    Attributes:
        waiting: what is to be delivered, oldest first.
        dead: what was given up, oldest first.
        told: what was told last.
    """

    def __init__(self, frames: Iterable[bytes] = ()) -> None:
        self.waiting: dict[Key, Letter] = {}
        self.dead: dict[Key, DeadLetter] = {}
        self.told = LastTold()
        for frame in frames:
            self.take(json.loads(frame))

    def take(self, told: dict[str, Any]) -> None:
        """Go one step on."""
        if self.told.take(told):
            return
        step: Step = told["step"]
        key = told["to"], told["id"]
        if step == "put":
            self.waiting[key] = Letter(*key, told["type"], told["at"], told["body"])
            return
        if step == "dead" and key in self.waiting:
            letter = self.waiting.pop(key)
            self.dead[key] = DeadLetter(letter, told["why"], told["attempts"], told["at"])
        elif step == "again" and key in self.dead:
            self.waiting[key] = self.dead.pop(key).letter
        elif step == "done":
            self.waiting.pop(key, None)
        elif step == "dropped":
            self.dead.pop(key, None)

    def steps(self) -> Iterator[dict[str, Any]]:
        """Yield steps that lead from nothing to what is held."""
        for letter in self.waiting.values():
            yield _put(letter)
        for dead in self.dead.values():
            yield _put(dead.letter)
            yield _dead(dead)
        yield from self.told.steps()


class Outbox:
    """Holds what is to be delivered; one process at a time.

    Every step counts at once here; it is on the disk a few milliseconds later.
    """

    def __init__(self, home: Path) -> None:
        """Open it, or make it.

        Raises:
            AlreadyOpenError: if another process has it open.
            DamagedJournalError: if it is damaged before its end.
        """
        folder = home / FOLDER
        self._journal = Journal.open(folder / _JOURNAL, segment_bytes=_SEGMENT_BYTES)
        self._requests = folder / _AGAIN
        self.held = Held(frame for _, frame in self._journal.read())
        self._carry().result()
        self.held.told.keep = self._keep

    def put(self, letters: list[Letter]) -> asyncio.Future[Any]:
        """Take events in, all or none; what is returned resolves when they are on the disk."""
        steps = [_put(letter) for letter in letters]
        for step in steps:
            self.held.take(step)
        return self._write(steps)

    def done(self, letter: Letter) -> None:
        """Forget what was delivered."""
        self._note(_step("done", letter.key))

    def bury(self, dead: DeadLetter, most_dead: int) -> int:
        """Give an event up; return how many older ones of all receivers had no more room."""
        self._note(_dead(dead))
        over = list(self.held.dead)[: max(0, len(self.held.dead) - most_dead)]
        for key in over:
            self._note(_step("dropped", key))
        return len(over)

    def revived(self) -> list[Letter]:
        """Return the dead letters that somebody asked to try again; they wait again."""
        found: list[Letter] = []
        for request in sorted(self._requests.glob("*")) if self._requests.is_dir() else ():
            for key in [key for key in self.held.dead if key[1] == request.name]:
                self._note(_step("again", key))
                found.append(self.held.waiting[key])
            request.unlink(missing_ok=True)
        return found

    def close(self) -> None:
        """Write what waits and let another process open it."""
        self._journal.close()

    def _note(self, step: dict[str, Any]) -> None:
        self.held.take(step)
        self._keep([step])

    def _keep(self, steps: Sequence[dict[str, Any]]) -> None:
        try:
            self._write(steps).add_done_callback(_complain)
            most = max(_CARRY_FRAMES, len(self.held.told.orders))
            if self._journal.next_seq - self._carried > most:
                self._carry()
        except StoreUnavailableError as error:
            _LOG.error("steps of webhooks are not on the disk: %s", error)

    def _write(self, steps: Sequence[dict[str, Any]]) -> asyncio.Future[Any]:
        return self._journal.append_async([to_json(step) for step in steps])

    def _carry(self) -> Future[range]:
        """Write what is held at the end of the journal; the files before it go once it is there."""
        steps = [to_json(step) for step in self.held.steps()]
        end = self._journal.next_seq + len(steps)
        carried = self._journal.append(steps)
        self._carried = end
        carried.add_done_callback(self._let_go)
        return carried

    def _let_go(self, carried: Future[range]) -> None:
        try:
            self._journal.release(carried.result().start - 1)
        except StoreUnavailableError as error:
            _LOG.warning("webhooks: what is not needed any more stays a while: %s", error)


def read_held(home: Path) -> Held:
    """Return what a home holds, beside the service that delivers it."""
    folder = home / FOLDER / _JOURNAL
    if not folder.is_dir():
        return Held()
    return Held(frame for _, frame in read_folder(folder).frames(0))


def ask_again(home: Path, message_id: str) -> list[DeadLetter]:
    """Ask the service, now or when it starts, to try dead letters again; return which.

    Args:
        home: the service's home.
        message_id: their id, for every receiver that it is dead for.
    """
    found = [dead for dead in read_held(home).dead.values() if dead.letter.id == message_id]
    if found:
        requests = home / FOLDER / _AGAIN
        requests.mkdir(parents=True, exist_ok=True)
        (requests / message_id).touch()
    return found


def _step(step: Step, key: Key, **facts: object) -> dict[str, Any]:
    return {"step": step, "to": key[0], "id": key[1], **facts}


def _put(letter: Letter) -> dict[str, Any]:
    return {"step": "put", **asdict(letter)}


def _dead(dead: DeadLetter) -> dict[str, Any]:
    facts = {"why": dead.why, "attempts": dead.attempts, "at": dead.at}
    return _step("dead", dead.letter.key, **facts)


def _complain(written: asyncio.Future[Any]) -> None:
    if not written.cancelled() and written.exception() is not None:
        _LOG.error("a step of a webhook is not on the disk: %s", written.exception())
