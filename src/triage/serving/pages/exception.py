"""The page of one exception: what it is, who deals with it, and the work on it."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from triage.errors import TriageError
from triage.ledger.corrections import Correction
from triage.ledger.entries import new_id
from triage.serving import formats, texts, wording
from triage.serving.advisor import NotReadyError
from triage.serving.exceptions.desk import Case
from triage.serving.exceptions.queue import ExceptionQueue
from triage.serving.handling import forms
from triage.serving.handling.view import work
from triage.serving.pages import exceptions_view as views
from triage.serving.pages import exceptions_work as working
from triage.serving.pages.exceptions import exception_url, next_url
from triage.serving.pages.frame import Frame, Looking, refusal
from triage.serving.pages.guided import LEADS_ON
from triage.serving.pages.page_routes import page_routes


def _page(
    frame: Frame, seen: Looking, exception_id: str, status: int = 200, refused: str = "",
    *, guided: bool = False,
) -> Response:  # fmt: skip
    queue, desk, said = (
        working.queue_of(frame), frame.service.handling_exceptions, frame.service.corrections,
    )  # fmt: skip
    case = queue.open.get(exception_id)
    if case is None:
        return frame.render("exception_closed.html", seen, 404)
    each, zone = views.stand(frame.service, queue, seen, case), seen.zone
    others = frame.presence.look(exception_url(exception_id), seen.you, seen.wall)
    return frame.render(
        "exception.html", seen, status,
        row=views.row(queue, each, seen), open=each, case=case, desk=queue.desk,
        ranked=queue.desk.ranked(case.answer), book=each.todo.book,
        reasons=queue.desk.reasons_in(case, formats), doubts=doubts(queue, case),
        work=None if desk is None else work(each.handled, 0.0, seen.wall, zone, seen.you),
        corrected_last=bool(
            desk and said and seen.you and working.last_was_correction(desk, said, seen.you)
        ),
        told=[
            (_did(queue, each), wording.stamp(each.at, zone))
            for each in reversed(said.told(exception_id) if said else ())
        ],
        exception_url=exception_url, here=texts.order.here_too(others), guided=guided,
        refusal=refused,
    )  # fmt: skip


def doubts(queue: ExceptionQueue, case: Case) -> list[str]:
    """Return why the model is not sure of a class, in words."""
    numbers, answer = queue.desk.model.numbers, case.answer
    too_low = texts.exceptions.too_low(
        wording.percent(float(answer.probabilities[answer.label])),
        wording.percent(min(numbers.threshold, 1.0)), wording.percent(numbers.most_error),
    )  # fmt: skip
    return [texts.exceptions.DOUBTS.get(each, too_low) for each in answer.doubts]


def _did(queue: ExceptionQueue, told: Correction) -> str:
    return texts.exceptions.correction(queue.desk.title(told.code) if told.code else "", told.by)


async def _do(frame: Frame, seen: Looking, exception_id: str, form: dict[str, str]) -> str:
    """Do what a form asks for; return the action, empty for a correction."""
    _, said = working.ready(frame, seen)
    word = form.get("do", "")
    if word == "take_back":
        held = said.standing(exception_id)
        await working.take_back(frame, seen, [] if held is None else [held])
    elif word in working.queue_of(frame).desk.model.numbers.classes:
        await working.correct(frame, seen, [exception_id], word)
    else:
        asked = forms.asked_of_exception(form, seen.you, seen.wall, seen.zone)
        await working.act(frame, seen, exception_id, asked, new_id())
        return asked.action
    return ""


def router(frame: Frame) -> APIRouter:
    """Return the routes of an exception's page."""
    routes = page_routes(frame)

    @routes.get("/exceptions/{exception_id:path}")
    async def exception(exception_id: str, request: Request) -> Response:
        guided = "guided" in request.query_params
        try:
            return _page(frame, frame.looking(request), exception_id, guided=guided)
        except NotReadyError as error:
            return frame.waiting(error)

    @routes.post("/exceptions/{exception_id:path}")
    async def work_on(exception_id: str, request: Request) -> Response:
        form = await forms.read_form(request)
        guided = "guided" in form
        try:
            seen = frame.looking(request)
            action = await _do(frame, seen, exception_id, form)
            if guided and action in LEADS_ON:
                return RedirectResponse(await next_url(frame, frame.looking(request)), 303)
        except NotReadyError as error:
            return frame.waiting(error)
        except TriageError as error:
            again = frame.looking(request)
            return _page(frame, again, exception_id, *refusal(error), guided=guided)
        query, at = "?guided=1" if guided else "", "#work" if action else ""
        return RedirectResponse(f"{exception_url(exception_id)}{query}{at}", 303)

    return routes
