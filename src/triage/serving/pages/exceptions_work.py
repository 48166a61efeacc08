"""Working on exceptions: correcting a class, taking, snoozing, finishing, and undoing each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from triage.ledger.corrections import Correction
from triage.ledger.entries import new_id
from triage.serving import texts
from triage.serving.advisor import NotReadyError
from triage.serving.exceptions.correcting import Corrections
from triage.serving.exceptions.queue import ExceptionQueue
from triage.serving.handling import forms
from triage.serving.handling.desk import HandlingDesk, UnknownItemError
from triage.serving.handling.requests import OfException
from triage.serving.handling.state import Act
from triage.serving.pages import exceptions_view as views
from triage.serving.pages.bulk import chosen, do_all, undos
from triage.serving.pages.frame import Frame, Looking
from triage.serving.pages.guided import first_taken, is_free
from triage.serving.problems import InvalidInputError


def queue_of(frame: Frame) -> ExceptionQueue:
    """Return the queue.

    Raises:
        NotReadyError: without a model of exceptions.
    """
    if frame.service.queue is None:
        raise NotReadyError([texts.frame.EXCEPTION_MODEL], "triage train exceptions")
    return frame.service.queue


def ready(frame: Frame, seen: Looking) -> tuple[HandlingDesk, Corrections]:
    """Return what records the work of who asks.

    Raises:
        NotReadyError: if nothing is recorded, so that nothing can be done either.
        InvalidInputError: if it is not known who asks.
    """
    desk, said = frame.service.handling_exceptions, frame.service.corrections
    if desk is None or said is None:
        raise NotReadyError([texts.frame.LEDGER], "triage serve")
    forms.require_name(seen.you)
    return desk, said


async def act(
    frame: Frame, seen: Looking, exception_id: str, asked: OfException, batch: str
) -> Act:
    """Do what is asked with an exception.

    Raises:
        UnknownItemError: if no such exception is open.
        ConflictError: if it is not as the act needs it, or somebody acted meanwhile.
        InvalidInputError: if a snooze does not end, or an undo undoes nothing of it.
        StoreUnavailableError: if it cannot be recorded.
    """
    desk, _ = ready(frame, seen)
    case = queue_of(frame).open.get(exception_id)
    if case is None:
        raise UnknownItemError(texts.exceptions.NOT_OPEN)
    told = replace(
        asked.act(seen.wall, None),
        exception_id=exception_id, as_of=seen.advisor.now(), batch=batch,
    )  # fmt: skip
    return await desk.act(exception_id, told, asked.after, named=case.event.order_id)


async def do(frame: Frame, seen: Looking, fields: Sequence[tuple[str, str]]) -> str:
    """Do what a form of the queue asks for; return in short what was done, or its batch.

    Args:
        frame: makes pages.
        seen: who asks.
        fields: `order` names exceptions; `do` is a class, "undo", or an act.

    Raises:
        NotReadyError: if nothing is recorded.
        InvalidInputError: if it does not fit.
    """
    desk, said = ready(frame, seen)
    form = dict(fields)
    word = form.get("do", "")
    if word in queue_of(frame).desk.model.numbers.classes:
        return await correct(frame, seen, chosen(fields, texts.work.CHOOSE_EXCEPTIONS), word)
    if word == "undo" and last_was_correction(desk, said, seen.you):
        return await take_back(frame, seen, said.newest(seen.you))
    if word == "undo":
        asked: list[tuple[str, OfException]] = list(undos(desk, seen.you))
    else:
        wanted = forms.asked_of_exception(form, seen.you, seen.wall, seen.zone)
        asked = [(name, wanted) for name in chosen(fields, texts.work.CHOOSE_EXCEPTIONS)]
    doing = partial(act, frame, seen)
    return (await do_all(desk, word.partition(":")[0], asked, doing)).batch


def can_undo(desk: HandlingDesk | None, said: Corrections | None, you: str) -> bool:
    """Return whether somebody did something with exceptions that can be undone."""
    if desk is None or said is None or not you:
        return False
    return bool(said.newest(you)) or desk.batches.newest(you, desk.of_order) is not None


def last_was_correction(desk: HandlingDesk, said: Corrections, you: str) -> bool:
    """Return whether what somebody did last, of what can be undone, is a correction."""
    batch = desk.batches.newest(you, desk.of_order)
    acted = [] if batch is None else [(act.at, act.id) for _, act in desk.batches.acts(batch)]
    return max(((each.at, each.id) for each in said.newest(you)), default=(0, "")) > max(
        acted, default=(0, "")
    )


async def correct(frame: Frame, seen: Looking, names: Sequence[str], code: str) -> str:
    """Record of which class exceptions are; return in short what was done.

    Raises:
        InvalidInputError: if none of them is open.
        StoreUnavailableError: if it cannot be recorded.
    """
    queue, (_, said) = queue_of(frame), ready(frame, seen)
    batch, cases = new_id(), [queue.open[name] for name in names if name in queue.open]
    if not cases:
        raise InvalidInputError([{"pointer": "/order", "detail": texts.work.CHOOSE_EXCEPTIONS}])
    done = await said.record(*(
        Correction(
            case.event.exception_id, seen.advisor.now(), code,
            said=queue.desk.code_of(case.answer), model=queue.desk.model.digest,
            order_id=case.event.order_id, by=seen.you, batch=batch, at=seen.wall,
        )
        for case in cases
    ))  # fmt: skip
    return f"{len(done)}-corrected"


async def take_back(frame: Frame, seen: Looking, held: Sequence[Correction]) -> str:
    """Take corrections back; return in short what was done.

    Raises:
        StoreUnavailableError: if it cannot be recorded.
    """
    batch, (_, said) = new_id(), ready(frame, seen)
    done = await said.record(*(
        Correction(
            each.exception_id, seen.advisor.now(), said=each.said, model=each.model,
            order_id=each.order_id, by=seen.you, batch=batch, entry=each.id, at=seen.wall,
        )
        for each in held
    ))  # fmt: skip
    return f"{len(done)}-undone"


async def claim(frame: Frame, seen: Looking) -> str | None:
    """Give the next exception to who asks: what is due first, and nobody's.

    Returns:
        Its id; None if nothing waits.

    Raises:
        StoreUnavailableError: if it cannot be recorded.
    """
    desk, _ = ready(frame, seen)
    waiting = [
        each
        for each in views.find(views.held(frame.service, seen), views.Wanted())
        if is_free(each.handled.state, seen)
    ]
    taking = Act("assign", seen.you, seen.you, batch=new_id(), at=seen.wall)
    as_of = seen.advisor.now()
    return await first_taken(
        desk,
        (
            (event.exception_id, replace(taking, exception_id=event.exception_id, as_of=as_of),
             event.order_id)
            for event in (each.case.event for each in waiting)
        ),
    )  # fmt: skip
