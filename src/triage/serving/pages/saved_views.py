"""Views of the list that people saved under a name; saving and deleting is in the ledger."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from starlette.datastructures import QueryParams

from triage.ledger.entries import Draft, Entry, canonical, new_id
from triage.ledger.ledger import Ledger
from triage.serving.advisor import WorkItem
from triage.serving.handling.choose import select
from triage.serving.handling.desk import ConflictError, HandlingDesk
from triage.serving.pages.address import read_query
from triage.serving.worklist_index import Query

if TYPE_CHECKING:
    from triage.serving.pages.frame import Looking

MOST_VIEWS = 30
"""Views that one person can see, so that counting them stays quick."""


@dataclass(frozen=True, slots=True)
class SavedView:
    """Filters under a name.

    Attributes:
        id: names it in the ledger.
        name: as people call it.
        address: the part of the list's address that says the filters.
        by: who saved it.
        shared: whether everybody sees it.
    """

    id: str
    name: str
    address: str
    by: str
    shared: bool


@dataclass(frozen=True, slots=True)
class Tab:
    """A view with how many orders it shows now."""

    view: SavedView
    count: int


class SavedViews:
    """The views as the ledger has them.

    Args:
        ledger: where they are recorded; it is read whole for them once.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._views: dict[str, SavedView] = {}
        self._listed: tuple[object, ...] = ()
        self._found: dict[str, tuple[Query, list[WorkItem], set[str]]] = {}
        for entry in saving(ledger.entries(kind="setting")):
            self._take(entry)

    def seen_by(self, person: str) -> list[SavedView]:
        """Return a person's own views and those that all share, by name."""
        seen = [view for view in self._views.values() if view.shared or view.by == person]
        return sorted(seen, key=lambda view: (view.shared, view.name.casefold()))

    def tabs(
        self, seen: Looking, desk: HandlingDesk | None, gone: frozenset[str]
    ) -> list[Tab]:  # fmt: skip
        """Return the views that somebody sees, with how many orders each shows now.

        What a view shows by what is known of orders is looked up once for a list; by what people
        did with them, each time.

        Args:
            seen: who looks, and at what.
            desk: knows what people did.
            gone: orders of the list that are snoozed or done with.
        """
        if self._listed != (seen.index, seen.codes):
            self._listed, self._found = (seen.index, seen.codes), {}
        return [Tab(view, self._count(view, seen, desk, gone)) for view in self.seen_by(seen.you)]

    def _count(
        self, view: SavedView, seen: Looking, desk: HandlingDesk | None, gone: frozenset[str]
    ) -> int:
        if view.id not in self._found:
            query = read_query(QueryParams(view.address), seen)[0]
            query = replace(query, sort="priority")
            found = seen.select(query)
            self._found[view.id] = query, found, {item.assessment.order_id for item in found}
        query, found, names = self._found[view.id]
        if query.handled == "open" and not (query.owner or query.mentions):
            return len(names) - len(names & gone)
        return len(select(desk, found, query, seen.wall))

    async def save(self, name: str, address: str, by: str, at: int, *, shared: bool) -> SavedView:
        """Save a view; it is on the disk when this returns.

        Raises:
            ConflictError: if its name is taken, or there are too many.
            StoreUnavailableError: if it cannot be recorded.
        """
        seen = self.seen_by(by)
        if any(view.name.casefold() == name.casefold() for view in seen):
            raise ConflictError("view_there")
        if len(seen) >= MOST_VIEWS:
            raise ConflictError("views_full")
        view = SavedView(new_id(), name, address, by, shared)
        body = {"action": "view_saved", "view": view.id, "shared": shared}
        await self._record(body, {"by": by, "name": name, "address": address}, at)
        return view

    async def delete(self, view_id: str, by: str, at: int) -> None:
        """Delete a view, if there is such a one that the person sees.

        Raises:
            StoreUnavailableError: if it cannot be recorded.
        """
        if any(view.id == view_id for view in self.seen_by(by)):
            await self._record({"action": "view_deleted", "view": view_id}, {"by": by}, at)

    async def _record(self, body: dict[str, Any], personal: dict[str, Any], at: int) -> None:
        draft = Draft("setting", canonical(body), personal=canonical(personal), at=at)
        (entry,) = await asyncio.shield(self._ledger.record_async(draft))
        self._take(entry)

    def _take(self, entry: Entry) -> None:
        said = json.loads(entry.body)
        if said["action"] == "view_deleted":
            self._views.pop(said["view"], None)
        elif entry.personal is not None:
            own = json.loads(entry.personal)
            self._views[said["view"]] = SavedView(
                said["view"], own["name"], own["address"], own["by"], said["shared"]
            )


def saving(entries: Iterable[Entry]) -> list[Entry]:
    """Return those of some settings that saved a view which is still there."""
    held: dict[str, Entry] = {}
    for entry in entries:
        said = {} if entry.order_id is not None else json.loads(entry.body)
        match said.get("action"):
            case "view_saved" if not entry.erased:
                held[said["view"]] = entry
            case "view_deleted":
                held.pop(said["view"], None)
    return list(held.values())
