"""Commands about the record: verify it, vouch for it, erase and delete, make decisions again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from triage.commands.terminal import Home, out, settings_of
from triage.errors import RequestError

if TYPE_CHECKING:
    from triage.ledger.entries import Entry
    from triage.ledger.ledger import Ledger
    from triage.ledger.reading import Reading

audit = typer.Typer(
    help="Check that the record is whole; erase personal data, delete what is old.",
    no_args_is_help=True,
)


def _not_blank(text: str) -> str:
    if not text.strip():
        raise typer.BadParameter("say why")
    return text


Reason = Annotated[
    str,
    typer.Option(
        help="Why, without personal data: it stays on record.", callback=_not_blank,
        show_default=False,
    ),
]  # fmt: skip
Yes = Annotated[bool, typer.Option("--yes", help="Do it; without, it is only shown.")]
_SHOWN = 20
_NOT_REACHED = """\
Not reached, in the home: events as they came (events/), the log of extracts (history/) and refused
rows (quarantine/), with customers' names and texts of exceptions; messages to receivers of webhooks
(webhooks/) and promotions (models/, mlflow.db), with names of people who acted; names of keys
(keys/); words and codes that models learned (models/, runs/, mlartifacts/). Elsewhere: extracts,
what receivers got, backups and copies; PostgreSQL frees the bytes when it vacuums.
Order ids and figures stay in the entries, and in shadow/."""

_NOT_DELETED = """\
Not reached: events as they came (events/), the log of extracts (history/), shadow/, backups and
copies. No decision stays: what does are policies, keys, views, corrections, what was erased,
answers of the last day, and what was done about orders and exceptions that are open or come up in
newer entries."""


@contextmanager
def _reading(home: Path | None) -> Iterator[tuple[Path, Reading]]:
    from triage.ledger.reading import open_reading

    settings = settings_of(home)
    reading = open_reading(settings.home, settings.ledger_url)
    try:
        yield settings.home, reading
    finally:
        reading.close()


@contextmanager
def _owning(home: Path | None) -> Iterator[tuple[Path, Ledger]]:
    from triage.ledger.errors import AlreadyOpenError, StoreUnavailableError
    from triage.ledger.ledger import Ledger

    settings = settings_of(home)
    with _reading(home) as (where, _):  # which makes none
        pass
    try:
        ledger = Ledger.open(where, settings.ledger_url)
    except AlreadyOpenError as error:
        raise AlreadyOpenError(
            f"the service runs in {where}: stop it, repeat this, and start it again"
        ) from error
    try:
        ledger.flush()
        if left := ledger.unfinished():
            raise StoreUnavailableError(
                f"a crash left {len(left)} decisions whose records are still to be made again:"
                " start the service, give it a minute, stop it and repeat this"
            )
        yield where, ledger
    finally:
        ledger.close()


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
        + (f", and {result.kept} older ones that stayed" if result.kept else ""),
        soft_wrap=True,
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


@audit.command()
def erase(
    reason: Reason,
    entry: Annotated[
        list[str] | None, typer.Argument(help="Ids of entries.", show_default=False)
    ] = None,
    order: Annotated[
        list[str] | None, typer.Option(help="All entries about an order; repeat it.")
    ] = None,
    yes: Yes = False,
    home: Home = None,
) -> None:
    """Erase the personal part of entries: names, free text, orders that were sent whole.

    The rest of an entry stays, and the chain is whole. The service must be stopped for it. Indexes
    with names of customers (index/) are deleted, too; the next start makes them of what it reads.
    """
    from triage.features.index_kept import forget_indexes

    if not entry and not order:
        raise RequestError("name entries, or orders with --order")
    if yes:
        with _owning(home) as (where, ledger):
            found, before = _with_personal_part(ledger, entry or (), order or ())
            if found:
                ledger.erase(*(each.seq for each in found), reason=reason)
            forget_indexes(where)
    else:
        with _reading(home) as (_, reading):
            found, before = _with_personal_part(reading, entry or (), order or ())
    table = Table("entry", "kind", Column("id", min_width=36, overflow="fold"), "when", "order")
    for each in found:
        about = escape(each.order_id or "")
        table.add_row(str(each.seq), each.kind, escape(each.id), _moment(each.at), about)
    if found:
        out.print(table)
    done = "erased" if yes else "would be erased: stop the service, then add --yes"
    out.print(f"personal parts of {len(found)} entries {done}; of {before} they were gone before")
    out.print(_NOT_REACHED, highlight=False, markup=False, soft_wrap=True)


def _with_personal_part(
    reading: Reading, ids: Sequence[str], orders: Sequence[str]
) -> tuple[list[Entry], int]:
    """Return entries that have a personal part, and how many had one that is gone."""
    from triage.serving.idempotency import tells_of

    chosen: dict[int, Entry] = {}
    for name in ids:
        entry = reading.get(name)
        if entry is None:
            raise RequestError(f"the ledger holds no entry with the id {name}")
        chosen[entry.seq] = entry
    for name in orders:
        chosen |= {entry.seq: entry for entry in reading.of_order(name)}
    answers = reading.entries(kind="idempotency") if orders else ()
    for entry in answers:
        if any(tells_of(entry, name) for name in orders):
            chosen[entry.seq] = entry
    found = [chosen[seq] for seq in sorted(chosen) if chosen[seq].packed_personal is not None]
    return found, sum(entry.erased for entry in chosen.values())


@audit.command()
def retain(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="CHECKPOINT", help="Up to where; signed here.", exists=True, dir_okay=False
        ),
    ],
    reason: Reason,
    yes: Yes = False,
    home: Home = None,
) -> None:
    """Delete entries up to a signed checkpoint, save those that are still needed.

    Decisions that go cannot be shown or made again. The service must be stopped for it.
    """
    if yes:
        with _owning(home) as (where, ledger):
            _retain(where, ledger, file, partial(ledger.retain, reason=reason))
    else:
        with _reading(home) as (where, reading):
            _retain(where, reading, file)


def _retain(
    where: Path, reading: Reading, file: Path, delete: Callable[..., object] | None = None
) -> None:
    """Show what goes and what stays; do it if how is given."""
    from triage.ledger.audit import verify_against
    from triage.ledger.checkpoint import Checkpoint, Signer
    from triage.ledger.errors import LedgerError
    from triage.serving.known import Known
    from triage.serving.still_needed import still_needed

    key = where / "ledger" / "signing.key"
    if not key.is_file():
        raise RequestError(f"nothing was signed here, there is no {key}: `triage audit checkpoint`")
    signer, held = Signer.load(key), Checkpoint.from_json(file.read_bytes())
    found = verify_against(reading, held, signer.public_key)
    if not found.ok:
        raise LedgerError(f"entry {found.bad_seq} is not what was recorded: {found.why}")
    if held.seq < found.first_seq:
        raise LedgerError(f"entries up to {found.first_seq - 1} were deleted before")
    now = time.time_ns() // 1_000
    stays = still_needed(reading, held.seq, Known.of(where).history, now)
    going: Counter[str] = Counter()
    newest = 0
    for each in takewhile(lambda each: each.seq <= held.seq, reading.entries()):
        if each.seq not in stays:
            going[each.kind] += 1
            newest = max(newest, each.at)
    staying = Counter(each.kind for each in stays.values())
    table = Table("kind", "go", "stay")
    for kind in sorted(going | staying):
        table.add_row(kind, f"{going[kind]:,}", f"{staying[kind]:,}")
    out.print(table)
    done = "would be deleted: stop the service, then add --yes"
    if delete is not None:
        delete(held, signer, keep=stays)
        done = "deleted"
    out.print(
        f"{going.total()} entries up to {held.seq}, the newest of {_moment(newest)}, {done};"
        f" {len(stays)} stay, {sum(each.packed_personal is not None for each in stays.values())}"
        " of them with a personal part (`triage audit erase`)"
    )
    out.print(_NOT_DELETED, highlight=False, markup=False, soft_wrap=True)


def _moment(at: int) -> str:
    from triage.domain.clock import from_micros

    return f"{from_micros(at):%Y-%m-%d %H:%M}Z"


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
