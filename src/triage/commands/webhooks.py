"""Commands about webhooks: who is told, what did not arrive, trying it again."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from triage.commands.terminal import Home, out, settings_of
from triage.errors import RequestError

webhooks = typer.Typer(
    help="Who is told of changes, and what did not arrive.", no_args_is_help=True
)


@webhooks.command("list")
def list_(home: Home = None) -> None:
    """Show every receiver, what it wants to hear, and what waits for it."""
    from triage.serving.webhooks.box import read_held
    from triage.serving.webhooks.declared import FILE, load

    settings = settings_of(home)
    declared = load(settings.workspace).subscriptions
    held = read_held(settings.home)
    waiting, dead = (Counter(to for to, _ in keys) for keys in (held.waiting, held.dead))
    if not declared and not waiting and not dead:
        out.print(f"nobody is told: {FILE} declares no subscription", soft_wrap=True)
        return
    table = Table("name", "url", "events", "secrets", "waiting", "dead")
    for name in sorted({*declared, *waiting, *dead}):
        own = declared.get(name)
        said = ("not declared any more", "", "")
        if own is not None:
            said = (own.url, ", ".join(own.events), ", ".join(own.secrets))
        table.add_row(name, *map(escape, said), f"{waiting[name]:,}", f"{dead[name]:,}")
    out.print(table)


@webhooks.command("dead")
def dead_letters(home: Home = None) -> None:
    """Show the events that were given up, and why."""
    from triage.domain.clock import from_micros
    from triage.serving.webhooks.box import read_held

    found = read_held(settings_of(home).home).dead.values()
    if not found:
        out.print("no event was given up")
        return
    table = Table("given up", "subscription", "event", "attempts", "why")
    table.add_column("id", no_wrap=True)
    for dead in found:
        table.add_row(
            f"{from_micros(dead.at):%Y-%m-%d %H:%M:%S}", dead.letter.to, dead.letter.type,
            str(dead.attempts), escape(dead.why), dead.letter.id,
        )  # fmt: skip
    out.print(table)


@webhooks.command()
def retry(
    message_id: Annotated[str, typer.Argument(help="Id of a dead letter, or all.")],
    home: Home = None,
) -> None:
    """Let the service try dead letters again: now, or when it starts."""
    from triage.serving.webhooks.box import ask_again, read_held

    where = settings_of(home).home
    ids = [message_id]
    if message_id == "all":
        ids = list(dict.fromkeys(dead.letter.id for dead in read_held(where).dead.values()))
    found = [dead for each in ids for dead in ask_again(where, each)]
    if not found:
        raise RequestError("there is no dead letter with this id; see `triage webhooks dead`")
    out.print(f"{len(found)} will be tried again by `triage serve`")


@webhooks.command()
def test(name: Annotated[str, typer.Argument(help="A subscription.")]) -> None:
    """Send one event of type `webhook.test` to a receiver now, and say what it answered."""
    from triage.ledger.entries import new_id
    from triage.serving.webhooks.receiver import TEST, letter_of, receivers

    known, delivery = receivers(settings_of(None).workspace)
    if name not in known:
        raise RequestError(f"no subscription {name}; there is: {', '.join(known) or 'none'}")
    letter = letter_of(name, f"msg_{new_id()}", TEST, {"subscription": name})
    sent = asyncio.run(known[name].attempt(letter, delivery.timeout_seconds))
    if not sent.delivered:
        out.print(f"{name} did not take it: {escape(sent.why)}", soft_wrap=True)
        raise typer.Exit(1)
    out.print(f"{name} took it")


@webhooks.command()
def secret() -> None:
    """Make a new secret, to be put into an environment variable here and at the receiver."""
    from triage.serving.webhooks.signing import Secret

    out.print(Secret.new(), highlight=False, soft_wrap=True)
