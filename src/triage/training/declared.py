"""What is declared of a model, read and checked: `training/<name>.toml`, `models/<name>.toml`."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from triage import workspace
from triage.errors import DeclarationError

T = TypeVar("T", bound=BaseModel)


def read_declared(kind: type[T], relative: str, configured: Path | None) -> tuple[T, str]:
    """Return what a file declares, and its text.

    Raises:
        DeclarationError: if it is absent or wrong; names file and entry.
    """
    text = workspace.read_text(relative, configured)
    try:
        return kind.model_validate(workspace.parse_toml(text, relative)), text
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
            for fault in error.errors(include_url=False)
        )
        raise DeclarationError(f"{relative}: {faults}") from error
