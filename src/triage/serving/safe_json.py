"""Bytes to a validated request, without what JSON parsers let pass silently.

Two passes, both in C: the standard parser refuses duplicate keys, NaN/Infinity and huge integers;
pydantic's own parser then validates the same bytes (and refuses lone surrogates and deep nesting).
The first pass costs about as much as looking up a feature.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from triage.errors import MalformedBodyError
from triage.serving.problems import InvalidInputError, field_errors

_Model = TypeVar("_Model", bound=BaseModel)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedBodyError("an object holds the same key twice: send each key once")
    return found


def _refuse_constant(_: str) -> None:
    raise MalformedBodyError("NaN and Infinity are not JSON: leave the field out if unknown")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant)


def parse(body: bytes) -> object:
    """Return what a JSON text says.

    Raises:
        MalformedBodyError: if it is not UTF-8, not JSON, ambiguous or nested too deep; says where,
            never what was sent.
    """
    try:
        return _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise MalformedBodyError(f"not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise MalformedBodyError(
            f"not JSON at line {error.lineno}, column {error.colno}: send one JSON document"
        ) from error
    except RecursionError as error:
        raise MalformedBodyError("nested too deep") from error
    except ValueError as error:
        raise MalformedBodyError("an integer has too many digits") from error


def validated(model: type[_Model], body: bytes) -> _Model:
    """Return a JSON text as a model, read strictly (no text for numbers, no epoch for times).

    Raises:
        MalformedBodyError: if it is not JSON that can be read safely.
        InvalidInputError: if a field does not fit; names each by JSON pointer.
    """
    parse(body)
    return strictly(model, body)


def strictly(model: type[_Model], body: bytes) -> _Model:
    """Return a text that `parse` took as a model; the second pass of `validated`, same errors."""
    try:
        return model.model_validate_json(body, strict=True)
    except ValidationError as error:
        raise _refusal(error) from error


def validated_lines(
    model: type[_Model], lines: Sequence[bytes]
) -> list[_Model | MalformedBodyError | InvalidInputError]:
    """Return each of some JSON texts as `validated` does, or why it was refused.

    The first pass goes over all of them as one list. That says the same of each only if each is
    JSON by itself, so that where one of them is refused all are read one by one.
    """
    try:
        parse(b"[" + b",".join(lines) + b"]")
        return [model.model_validate_json(line, strict=True) for line in lines]
    except (MalformedBodyError, ValidationError):
        return [_or_refusal(validated, model, line) for line in lines]


def revalidated_parts(
    model: type[_Model], parts: Sequence[object]
) -> list[_Model | MalformedBodyError | InvalidInputError]:
    """Return each part of a parsed document as `revalidated` does, or why it was refused."""
    return [_or_refusal(revalidated, model, part) for part in parts]


def revalidated(model: type[_Model], part: object) -> _Model:
    """Return one part of a parsed document as a model; same rules and errors as `validated`."""
    try:
        return model.model_validate_json(json.dumps(part), strict=True)
    except RecursionError as error:
        raise MalformedBodyError("nested too deep") from error
    except ValidationError as error:
        raise _refusal(error) from error


def _or_refusal(
    read: Callable[[type[_Model], Any], _Model], model: type[_Model], part: object
) -> _Model | MalformedBodyError | InvalidInputError:
    try:
        return read(model, part)
    except (MalformedBodyError, InvalidInputError) as error:
        return error


def _refusal(error: ValidationError) -> MalformedBodyError | InvalidInputError:
    details = error.errors(include_url=False, include_context=False, include_input=False)
    if details[0]["type"] == "json_invalid":
        return MalformedBodyError(
            "not JSON that can be read safely: a lone surrogate, a number out of range, "
            "or nested too deep"
        )
    return InvalidInputError(field_errors(details))
