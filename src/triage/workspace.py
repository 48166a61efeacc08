"""The only reader of the top-level folders: declarations, recipes, gates, mappings, policy.

In a checkout these are the folders at its top; in an installed wheel, the copy it carries.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from triage.errors import DeclarationError, SettingsError

FOLDERS = ("features", "training", "models", "serving")
T = TypeVar("T", bound=BaseModel)


class Declared(BaseModel):
    """A table of a declaration; a name that does not exist is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@cache
def carried() -> Path:
    """Return the workspace that came with the package.

    An editable install finds the checkout around `src/`; a wheel finds `triage/_workspace`.

    Raises:
        SettingsError: if neither is there.
    """
    package = Path(str(files("triage")))
    inside = package / "_workspace"
    if inside.is_dir():
        return inside
    checkout = package.parents[1]
    if all((checkout / name).is_dir() for name in FOLDERS):
        return checkout
    raise SettingsError(
        f"no declarations beside {package}: set TRIAGE_WORKSPACE to a folder that holds "
        + ", ".join(f"{name}/" for name in FOLDERS)
    )


def root(configured: Path | None = None) -> Path:
    """Return the workspace folder: the configured one, or the one that came with the package."""
    if configured is None:
        return carried()
    if not configured.is_dir():
        raise SettingsError(f"TRIAGE_WORKSPACE is {configured}, which is not a folder")
    return configured


def read_text(relative: str, configured: Path | None = None) -> str:
    """Return a declaration's text.

    Raises:
        DeclarationError: if there is no such file, with what there is instead, or it is not UTF-8.
    """
    base = root(configured)
    path = base / relative
    if not path.is_file():
        there = sorted(p.name for p in path.parent.glob("*")) if path.parent.is_dir() else []
        raise DeclarationError(
            f"no file {relative} in the workspace {base}; there is: {', '.join(there) or 'nothing'}"
        )
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DeclarationError(f"{relative} is not UTF-8 text: {error}") from error


def read_toml(relative: str, configured: Path | None = None) -> dict[str, Any]:
    """Return a TOML declaration as a dictionary.

    Raises:
        DeclarationError: if it is absent or is not TOML; names the file and the line.
    """
    return parse_toml(read_text(relative, configured), relative)


def read(kind: type[T], relative: str, configured: Path | None = None) -> T:
    """Return what a TOML declaration says.

    Raises:
        DeclarationError: as `read_toml`; or naming the field that does not fit.
    """
    return fitted(kind, read_toml(relative, configured), relative)


def fitted(kind: type[T], told: dict[str, Any], where: str) -> T:
    """Return what a dictionary declares.

    Raises:
        DeclarationError: naming where it stands, and the first field that does not fit.
    """
    try:
        return kind.model_validate(told)
    except ValidationError as error:
        raise DeclarationError(f"{where}: {first_fault(error)}") from error


def first_fault(error: ValidationError) -> str:
    """Return the first field that does not fit, and why not."""
    detail = error.errors(include_url=False)[0]
    at = ".".join(str(part) for part in detail["loc"])
    return f"{at}: {detail['msg']}"


def parse_toml(text: str, name: str) -> dict[str, Any]:
    """Return TOML text as a dictionary.

    Raises:
        DeclarationError: if it is not TOML; names the file and the line.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DeclarationError(f"{name}: {error}") from error


def names(folder: str, suffix: str, configured: Path | None = None) -> list[str]:
    """Return the sorted names (without suffix) of the files of one kind in a folder."""
    return sorted(
        p.name.removesuffix(suffix) for p in (root(configured) / folder).glob(f"*{suffix}")
    )


def folder(relative: str, configured: Path | None = None) -> Path:
    """Return a folder of the workspace (for example a mapping's).

    Raises:
        DeclarationError: if there is none, with what there is instead.
    """
    path = root(configured) / relative
    if not path.is_dir():
        there = sorted(p.name for p in path.parent.glob("*") if p.is_dir())
        raise DeclarationError(f"no folder {relative}; there is: {', '.join(there) or 'nothing'}")
    return path
