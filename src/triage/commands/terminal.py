"""What commands share: the home they are about, settings, and how they talk to people."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from triage.errors import SettingsError
from triage.settings import Settings, user

out = Console()
err = Console(stderr=True)

Home = Annotated[
    Path | None,
    typer.Option(
        help="Folder of everything generated [TRIAGE_HOME, default .triage].", show_default=False
    ),
]
Recipe = Annotated[str, typer.Argument(help="A recipe in training/.")]
Model = Annotated[str, typer.Option("--model", help="The registered model.")]
Figures = Annotated[Path | None, typer.Option("--json", help="Write the figures here.")]
Who = Annotated[
    str,
    typer.Option(help="Who decides; default: the user.", callback=lambda given: given or user()),
]


def settings_of(home: Path | None, **options: object) -> Settings:
    """Return the environment's settings with the options that were given on top.

    Raises:
        SettingsError: naming the one that cannot be used.
    """
    given = {name: value for name, value in {"home": home, **options}.items() if value is not None}
    try:
        return Settings.model_validate(Settings().model_dump() | given)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        name = "".join(str(part) for part in detail["loc"])
        raise SettingsError(
            f"{name} (TRIAGE_{name.upper()}) is {detail['input']!r}: {detail['msg']}"
        ) from error


@contextmanager
def working(first: str) -> Iterator[Callable[[str], None]]:
    """Show what is being done: a spinner for people, plain lines where there is no terminal."""
    if not err.is_terminal:
        yield lambda words: err.print(f"  {words}")
        return
    with err.status(first) as status:
        yield status.update


def month(text: str | None) -> str | None:
    """Return a month as it was given, after checking how it is written."""
    if text is not None and not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text):
        raise typer.BadParameter(f"{text} is no month: write it as 2017-09")
    return text
