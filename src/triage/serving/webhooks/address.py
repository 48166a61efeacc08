"""Which addresses a webhook may go to: never inside, unless the declaration says so.

A name is resolved once; what was checked is what is connected to, so that a name that changes its
answer in between (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from triage.serving.webhooks.declared import Subscription

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Gives the addresses of a host."""
_UNICAST = ipaddress.IPv6Network("2000::/3")
_WRAPPING = (ipaddress.IPv6Network("2002::/16"), ipaddress.IPv6Network("2001::/32"))
_RELAY = ipaddress.IPv4Network("192.88.99.0/24")


class RefusedAddressError(Exception):
    """The host is where no webhook may go."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL in its parts.

    Attributes:
        host: name or address.
        port: where it listens.
        path: with the query.
        tls: whether the connection is encrypted.
    """

    host: str
    port: int
    path: str
    tls: bool

    @classmethod
    def of(cls, url: str) -> Self:
        """Take a URL apart that the declaration has checked."""
        parts = urlsplit(url)
        tls = parts.scheme == "https"
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(parts.hostname or "", parts.port or (443 if tls else 80), path, tls)

    @property
    def authority(self) -> str:
        """Return host and port as a request names them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host, in the order in which the system prefers them.

    Raises:
        OSError: if there are none.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


async def checked(
    target: Target, subscription: Subscription, resolving: Resolve = resolve
) -> list[str]:
    """Return the addresses of a target, all of which may be connected to.

    Raises:
        RefusedAddressError: if one of them may not.
        OSError: if the host has none.
    """
    found = await resolving(target.host, target.port)
    for text in found:
        if not allowed(text, target, subscription):
            raise RefusedAddressError(
                f"{target.host} is at {text}, which is inside or special; `networks` in the"
                " declaration lists private networks that are meant"
            )
    return found


def allowed(text: str, target: Target, subscription: Subscription) -> bool:
    """Return whether an address may be connected to for a subscription."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:  # with a zone, for example: fe80::1%eth0 is refused anyway
        return False
    if not target.tls or address.is_loopback:
        return address.is_loopback and subscription.http_on_loopback
    return public(address) or any(address in network for network in subscription.networks)


def public(address: Address) -> bool:
    """Return whether an address is an ordinary one of the public internet.

    Addresses that carry an IPv4 one inside (mapped, 6to4, Teredo, NAT64) are not: they lead
    wherever that one does.
    """
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return address not in _RELAY
    return address in _UNICAST and not any(address in network for network in _WRAPPING)
