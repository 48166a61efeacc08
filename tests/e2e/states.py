"""Every page in every state, and how it is reached, for axe and for pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

Reach = Callable[[Page], object]


@dataclass(frozen=True, slots=True)
class State:
    """A page in a state.

    Attributes:
        name: as its picture is called.
        reach: goes there.
        whole: whether it is looked at to its end, not only as far as the window shows.
    """

    name: str
    reach: Reach
    whole: bool = False


def at(path: str) -> Reach:
    """Return how to reach an address."""
    return lambda page: page.goto(path)


def first_of(path: str) -> Reach:
    """Return how to open what stands first in a list."""

    def reach(page: Page) -> None:
        page.goto(path)
        page.locator("a.order").first.click()
        page.locator("h1").first.wait_for()

    return reach


def pressed(path: str, *keys: str) -> Reach:
    """Return how to press keys on a page."""

    def reach(page: Page) -> None:
        page.goto(path)
        for key in keys:
            page.keyboard.press(key)

    return reach


def unfolded(path: str, name: str) -> Reach:
    """Return how to open what is folded under a name, or behind a button."""

    def reach(page: Page) -> None:
        page.goto(path)
        page.locator("summary, .more").filter(has_text=name).first.click()

    return reach


def _told(page: Page, state: str) -> None:
    page.locator(".live").filter(has_text=state).wait_for(state="attached")


def offline(page: Page) -> None:
    """Lose the network."""
    page.goto("/")
    _told(page, "Live")
    page.context.set_offline(True)
    _told(page, "Offline")


def reconnecting(page: Page) -> None:
    """Lose the stream, but not the network."""
    page.route("**/v1/stream", lambda route: route.abort())
    page.goto("/")
    _told(page, "Reconnecting")


def lost(page: Page) -> None:
    """Act where no answer comes."""
    page.route("**/bulk", lambda route: route.abort())
    page.goto("/")
    page.keyboard.press("j")
    page.keyboard.press("a")
    page.locator("#report .refusal").wait_for()


def handled(page: Page) -> None:
    """Take an order."""
    page.goto("/")
    page.keyboard.press("j")
    page.keyboard.press("a")
    page.locator("#report .said, #report .refusal").wait_for()


def corrected(page: Page) -> None:
    """Say what an exception is that the model is not sure of."""
    page.goto("/exceptions?unsure=yes")
    page.keyboard.press("j")
    page.keyboard.press("c")
    page.keyboard.press("3")
    page.locator("#report .said").wait_for()
    page.goto("/exceptions")


def next_exception(page: Page) -> None:
    """Take the next exception."""
    page.goto("/exceptions")
    page.keyboard.press("n")
    page.locator("#work").wait_for()


def nobody(page: Page) -> None:
    """Be nobody."""
    page.context.clear_cookies()
    page.goto("/")


STATES = (
    State("list", at("/")),
    State("list-late", at("/?view=already_late")),
    State("list-causes", at("/?by=cause")),
    State("list-empty", at("/?q=zzzz")),
    State("list-filters", unfolded("/?sort=risk", "Filters")),
    State("list-columns", unfolded("/?sort=risk", "Columns")),
    State("list-save", unfolded("/?sort=risk", "Save view")),
    State("list-offline", offline),
    State("list-reconnecting", reconnecting),
    State("list-lost", lost),
    State("list-selected", pressed("/", "j", "x", "j", "x")),
    State("list-assigned", handled),
    State("list-snooze", pressed("/", "j", "s")),
    State("list-done", pressed("/", "j", "x", "j", "x", "e")),
    State("list-nobody", nobody),
    State("keys", pressed("/", "?")),
    State("next", at("/next"), whole=True),
    State("order", first_of("/"), whole=True),
    State("order-late", first_of("/?view=already_late"), whole=True),
    State("order-missing", at("/orders/none")),
    State("exceptions", at("/exceptions")),
    State("exceptions-empty", at("/exceptions?q=zzzz")),
    State("exceptions-correct", pressed("/exceptions", "j", "c")),
    State("exceptions-done", pressed("/exceptions", "j", "e")),
    State("exceptions-corrected", corrected),
    State("exception", first_of("/exceptions"), whole=True),
    State("exception-unsure", first_of("/exceptions?unsure=yes"), whole=True),
    State("exception-next", next_exception, whole=True),
    State("exception-gone", at("/exceptions/gone")),
    State("operations", at("/operations"), whole=True),
    State("models", at("/models"), whole=True),
)
"""What a service shows that has a list; `others.py` has what others show."""
