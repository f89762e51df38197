"""Who asks, as far as the network knows: the address that the gateway saw."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from fastapi import Request

from modelpick_shared.settings import Network

# A household or a server is given this much of IPv6 at least, and picks addresses in it as it likes.
IPV6_SUBJECT_BITS = 64
UNKNOWN = "unknown"

Address = IPv4Address | IPv6Address


def client_address(request: Request, trusted: Sequence[Network]) -> str:
    """Return the address that a limit counts: IPv4 as it is, of IPv6 the /64.

    `X-Forwarded-For` is read from the right and only as far as trusted proxies wrote it, so the first address
    that is no trusted proxy counts, whatever the customer wrote before it.
    """
    address = _parsed(request.client.host) if request.client else None
    if address is None:
        return UNKNOWN
    for hop in reversed(_forwarded(request)):
        before = _parsed(hop) if _within(address, trusted) else None
        if before is None:
            break
        address = before
    return _subject(address)


def _forwarded(request: Request) -> list[str]:
    return [hop for header in request.headers.getlist("x-forwarded-for") for hop in header.split(",")]


def _parsed(text: str) -> Address | None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _subject(address: Address) -> str:
    if isinstance(address, IPv6Address):
        return str(ip_network((int(address), IPV6_SUBJECT_BITS), strict=False))
    return str(address)
