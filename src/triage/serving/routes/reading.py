"""Which content type a body has."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request

JSON = "application/json"
NDJSON = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl"})


def content_type(request: Request, *accepted: str) -> str:
    """Return the content type without parameters.

    Raises:
        HTTPException: 415 if it is not one of the accepted.
    """
    said = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if said not in accepted:
        raise HTTPException(415, headers={"Accept-Post": ", ".join(sorted(accepted))})
    return said
