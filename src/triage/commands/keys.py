"""Commands about keys of callers: issue, list, revoke; a running service follows within seconds."""

from __future__ import annotations

import re
import time
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from triage.commands.terminal import Home, out, settings_of
from triage.errors import SettingsError

keys = typer.Typer(help="Keys of those who may ask the service.", no_args_is_help=True)
_SECONDS = {"h": 3_600, "d": 86_400}


@keys.command()
def create(
    name: Annotated[str, typer.Argument(help="Whose it is; people act under this name.")],
    scope: Annotated[
        list[str], typer.Option(help="score, events, worklist, metrics or admin; repeat it.")
    ],
    expires: Annotated[
        str | None, typer.Option(help="For how long: 12h, 90d; default: until it is revoked.")
    ] = None,
    home: Home = None,
) -> None:
    """Issue a key. It is shown once and kept nowhere."""
    from triage.serving.access.keys import SCOPES, issue

    unknown = [each for each in scope if each not in SCOPES]
    if unknown:
        raise SettingsError(f"no such scope: {', '.join(unknown)}; these are: {', '.join(SCOPES)}")
    now = _now()
    until = None if expires is None else now + _micros(expires)
    scopes = [known for known in SCOPES if known in scope]
    key, token = issue(settings_of(home).home, name, scopes, now, until)
    out.print(f"key {key.id} for {key.name}: {', '.join(scopes)}", highlight=False, markup=False)
    out.print(token, highlight=False, markup=False, soft_wrap=True)
    out.print("It is not shown again. Send it as `Authorization: Bearer ...` or `X-API-Key: ...`.")


@keys.command("list")
def list_(home: Home = None) -> None:
    """Show all keys, without their secrets."""
    from triage.domain.clock import from_micros
    from triage.serving.access.keys import read_keys

    def day(at: int | None) -> str:
        return "" if at is None else f"{from_micros(at):%Y-%m-%d %H:%M}Z"

    now = _now()
    table = Table("id", "name", "scopes", "issued", "expires", "state")
    for key in read_keys(settings_of(home).home).by_id.values():
        state = "revoked" if key.revoked else "in force" if key.usable(now) else "expired"
        table.add_row(
            key.id, escape(key.name), " ".join(sorted(key.scopes)), day(key.created),
            day(key.expires), state,
        )  # fmt: skip
    out.print(table)


@keys.command("revoke")
def revoke_(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As `triage keys list` shows it.")],
    home: Home = None,
) -> None:
    """Revoke a key for good; a running service refuses it within seconds."""
    from triage.serving.access.keys import revoke

    key = revoke(settings_of(home).home, key_id, _now())
    out.print(f"key {key.id} of {key.name} is revoked", highlight=False, markup=False)


def _now() -> int:
    return time.time_ns() // 1_000


def _micros(text: str) -> int:
    parts = re.fullmatch(r"([1-9]\d{0,4})([hd])", text)
    if parts is None:
        raise SettingsError("how long a key lasts is written as hours or days: 12h, 90d")
    return int(parts[1]) * _SECONDS[parts[2]] * 1_000_000
