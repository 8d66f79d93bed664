"""Where the page is found, and who may come in."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Place:
    """Where the page is found.

    Args:
        host: the address to bind to.
        port: the port; 0 takes a free one.
        users: passwords by name; empty lets everybody in.
        names: names by which browsers may call the page beside the host's own (a proxy's, say).
    """

    host: str = "127.0.0.1"
    port: int = 7860
    users: Mapping[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()


def known_hosts(place: Place) -> frozenset[str] | None:
    """The names by which a page without a password may be called; None for any, where it is bound to all addresses."""
    if place.host in ("0.0.0.0", "::"):
        return None
    return frozenset({"localhost", "127.0.0.1", "::1", place.host.lower(), *(name.lower() for name in place.names)})


def is_local(host: str) -> bool:
    """Whether an address can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
