"""Commands about the record: verify its chain, vouch for it, make decisions again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from triage.errors import RequestError
from triage.settings import Settings

if TYPE_CHECKING:
    from triage.ledger.entries import Entry
    from triage.ledger.reading import Reading

audit = typer.Typer(help="Check that the record is whole.", no_args_is_help=True)
out = Console()
Home = Annotated[
    Path | None,
    typer.Option(
        help="Folder of everything generated [TRIAGE_HOME, default .triage].", show_default=False
    ),
]
_SHOWN = 20


@contextmanager
def _reading(home: Path | None) -> Iterator[tuple[Path, Reading]]:
    from triage.ledger.reading import open_reading

    settings = Settings()
    where = home or settings.home
    reading = open_reading(where, settings.ledger_url)
    try:
        yield where, reading
    finally:
        reading.close()


@audit.command()
def verify(
    home: Home = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="A signed checkpoint that was kept elsewhere.")
    ] = None,
    public_key: Annotated[
        str | None, typer.Option(help="The key that its signature is checked with (hex).")
    ] = None,
) -> None:
    """Walk the whole chain; name the first entry that was changed, removed or put in."""
    from triage.ledger.audit import verify as walk
    from triage.ledger.audit import verify_against
    from triage.ledger.checkpoint import Checkpoint

    with _reading(home) as (_, reading):
        if checkpoint is None:
            result = walk(reading, public_key)
        elif public_key is None:
            raise RequestError("a checkpoint is checked with --public-key")
        else:
            held = Checkpoint.from_json(checkpoint.read_bytes())
            result = verify_against(reading, held, public_key)
    if not result.ok:
        out.print(f"entry {result.bad_seq} is not what was recorded: {result.why}")
        raise typer.Exit(1)
    out.print(
        f"whole: entries {result.first_seq} to {result.last_seq}, head {result.head[:16]},"
        f" {result.erased} with personal data erased"
    )


@audit.command("checkpoint")
def make_checkpoint(
    file: Annotated[Path, typer.Argument(help="Where to write it; keep it elsewhere.")],
    home: Home = None,
) -> None:
    """Sign how far the chain has come, so that a cut end can be told later."""
    from triage.ledger.audit import make_checkpoint as make
    from triage.ledger.checkpoint import Signer

    with _reading(home) as (where, reading):
        signer = Signer.load(where / "ledger" / "signing.key")
        made = make(reading, signer)
    file.write_bytes(made.to_json())
    out.print(f"entry {made.seq} is vouched for in {file}; public key {signer.public_key}")


def replay(
    decision: Annotated[str | None, typer.Argument(help="Id of a decision.")] = None,
    last: Annotated[int | None, typer.Option(min=1, help="The newest so many.")] = None,
    since: Annotated[
        datetime | None, typer.Option(help="All since a moment (UTC).", formats=["%Y-%m-%dT%H:%M"])
    ] = None,
    home: Home = None,
) -> None:
    """Make recorded decisions again and compare them bit for bit."""
    from triage.serving.replay import replay as make

    same = differing = 0
    with _reading(home) as (where, reading):
        table = Table("decision", "order", "what differs")
        for found in make(where, reading, _chosen(reading, decision, last, since)):
            same += found.same
            if found.same:
                continue
            differing += 1
            if differing <= _SHOWN:
                said = found.problem or ", ".join(found.differs)
                table.add_row(found.decision.id, str(found.decision.answer["order_id"]), said)
    if differing:
        out.print(table)
    out.print(f"{same + differing} decisions made again: {same} the same, {differing} not")
    if differing:
        raise typer.Exit(1)


def _chosen(
    reading: Reading, decision: str | None, last: int | None, since: datetime | None
) -> list[Entry]:
    from triage.domain.clock import to_micros
    from triage.serving.decisions import KIND

    if [decision, last, since].count(None) != 2:
        raise RequestError("name a decision, or give either --last or --since")
    if decision is not None:
        entry = reading.get(decision)
        if entry is None or entry.kind != KIND:
            raise RequestError("the ledger holds no decision with this id")
        return [entry]
    if last is not None:
        return reading.last(last, KIND)
    assert since is not None  # noqa: S101 - one of the three was given
    return list(reading.since(to_micros(since.replace(tzinfo=UTC)), KIND))
