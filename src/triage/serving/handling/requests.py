"""What people may ask to do with an order (part of the OpenAPI document), or an exception."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    RootModel,
    model_validator,
)

from triage.domain.clock import to_micros
from triage.domain.records import Word
from triage.serving import safe_json
from triage.serving.handling.state import Act, Code, Ending, Level, Why
from triage.serving.intake import Moment
from triage.serving.problems import InvalidInputError

MOST_TEXT = 2_000
_Request = TypeVar("_Request", bound=BaseModel)


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return text


Name = Annotated[Word, AfterValidator(_said)]
"""How a person is called: 1-80 printable characters."""
Text = Annotated[str, Field(min_length=1, max_length=MOST_TEXT), AfterValidator(_said)]


class _Asked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    by: Annotated[Name, Field(description="Who acts.")]
    after: Annotated[
        str | None,
        Field(
            max_length=100,
            description="`last` as the actor saw it, empty for null; refused if that changed.",
        ),
    ] = None

    def act(self, at: int, p_late: float | None) -> Act:  # noqa: ARG002 - some acts need the risk
        """Return what is asked as an act.

        Args:
            at: now, UTC micros.
            p_late: the order's probability of lateness; None if it is not on the list.
        """
        told = self.model_dump(exclude={"after", "until"})
        return Act(**told, at=at)


class Assign(_Asked):
    """Make the order somebody's."""

    action: Literal["assign"]
    to: Annotated[Name | None, Field(description="Whose; unset means the actor's.")] = None

    def act(self, at: int, p_late: float | None) -> Act:  # noqa: ARG002
        """Return it as an act."""
        return Act("assign", self.by, self.to or self.by, at=at)


class Snooze(_Asked):
    """Take the order off the list until a moment or until it is riskier, whichever is first."""

    model_config = ConfigDict(
        frozen=True, extra="forbid",
        json_schema_extra={"anyOf": [{"required": ["until"]}, {"required": ["worse_by"]}]},
    )  # fmt: skip

    action: Literal["snooze"]
    until: Annotated[Moment | None, Field(description="A moment in the future.")] = None
    worse_by: Annotated[
        float | None,
        Field(gt=0, le=100, allow_inf_nan=False, description="Percentage points of p_late."),
    ] = None

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.until is None and self.worse_by is None:
            raise ValueError("give until or worse_by")
        return self

    def act(self, at: int, p_late: float | None) -> Act:
        """Return it as an act.

        Raises:
            InvalidInputError: if it would end at once, or there is no risk that could rise.
        """
        until = None if self.until is None else to_micros(self.until)
        if until is not None and until <= at:
            raise InvalidInputError([{"pointer": "/until", "detail": "must be in the future"}])
        risk = None
        if self.worse_by is not None:
            if p_late is None or p_late >= 1:
                detail = "has no meaning for an order that is late or not on the list"
                raise InvalidInputError([{"pointer": "/worse_by", "detail": detail}])
            risk = round(min(1.0, p_late + self.worse_by / 100), 6)
        return Act("snooze", self.by, until=until, risk=risk, at=at)


class Dispose(_Asked):
    """Say that no more is to be done, and why."""

    action: Literal["dispose"]
    code: Code
    text: Annotated[Text | None, Field(description="More about it.")] = None


class End(_Asked):
    """Say that no more is to be done about an exception, and why."""

    action: Literal["dispose"]
    code: Ending
    text: Annotated[Text | None, Field(description="More about it.")] = None


class Note(_Asked):
    """Write something down."""

    action: Literal["note"]
    text: Text


class Priority(_Asked):
    """Put the order first or last by hand; it stays there until it is given back to its score."""

    action: Literal["priority"]
    level: Annotated[Level | None, Field(description="null gives it back to its score.")]


class Escalate(_Asked):
    """Tell somebody above of the order."""

    action: Literal["escalate"]
    to: Annotated[Name, Field(description="One of the escalation paths of the policy.")]
    text: Annotated[Text | None, Field(description="What they should know.")] = None


class Inform(_Asked):
    """Say that the customer was told; Triage itself sends nothing."""

    action: Literal["inform"]
    text: Annotated[Text | None, Field(description="The message as it was sent.")] = None


class Skip(_Asked):
    """Pass the order on that was given to the actor, and say why."""

    action: Literal["skip"]
    why: Why
    text: Annotated[Text | None, Field(description="More about it.")] = None


class Undo(_Asked):
    """Take the effect of an act away; undoing that undo gives it back."""

    action: Literal["undo"]
    entry: Annotated[str, Field(min_length=1, max_length=100, description="An `entry_id`.")]


class Plain(_Asked):
    """Release it, end its snooze, take it up again, or say whether the advice was useful."""

    action: Literal["unassign", "wake", "reopen", "useful", "not_useful"]


AnyAction = Assign | Snooze | Dispose | Note | Priority | Escalate | Inform | Skip | Undo | Plain


class Handle(_Asked):
    """Release an exception, end its snooze, or take it up again."""

    action: Literal["unassign", "wake", "reopen"]


OfException = Assign | Snooze | End | Note | Skip | Undo | Handle


class ExceptionActionRequest(RootModel[Annotated[OfException, Field(discriminator="action")]]):
    """What somebody does with an exception."""


class ActionRequest(RootModel[Annotated[AnyAction, Field(discriminator="action")]]):
    """What somebody does with an order."""


def read_action(body: bytes) -> AnyAction:
    """Return what a body asks to do with an order; see `_read` for the errors."""
    return _read(ActionRequest, body).root


def read_exception_action(body: bytes) -> OfException:
    """Return what a body asks to do with an exception; see `_read` for the errors."""
    return _read(ExceptionActionRequest, body).root


def _read(request: type[_Request], body: bytes) -> _Request:
    """Return the action that a body asks for.

    Raises:
        MalformedBodyError: if it is not JSON that can be read safely.
        InvalidInputError: if a field does not fit.
    """
    try:
        return safe_json.validated(request, body)
    except InvalidInputError as error:
        raise InvalidInputError([_without_tag(each) for each in error.errors]) from error


def _without_tag(error: dict[str, str]) -> dict[str, str]:
    """Return a finding whose pointer leads into the body, which holds no name of the action."""
    _, _, rest = error["pointer"].removeprefix("/").partition("/")
    return error | {"pointer": f"/{rest}" if rest else ""}
