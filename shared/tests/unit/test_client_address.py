from ipaddress import ip_network

import pytest
from starlette.requests import Request

from modelpick_shared.http.client_address import client_address

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
WITH_NETWORK = (*LOOPBACK, ip_network("10.0.0.0/8"))


def asked_from(peer, *forwarded):
    headers = [(b"x-forwarded-for", value.encode("latin-1")) for value in forwarded]
    client = (peer, 4711) if peer is not None else None
    return Request({"type": "http", "headers": headers, "client": client})


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("127.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("::1", ["198.51.100.7"], "198.51.100.7"),
        ("127.0.0.1", [], "127.0.0.1"),
        ("203.0.113.9", ["198.51.100.7"], "203.0.113.9"),
        ("127.0.0.1", ["1.1.1.1, 198.51.100.7"], "198.51.100.7"),
        ("127.0.0.1", ["1.1.1.1", "198.51.100.7"], "198.51.100.7"),
        ("127.0.0.1", ["1.1.1.1, 198.51.100.7, 10.0.0.3"], "10.0.0.3"),
        ("127.0.0.1", ["127.0.0.2"], "127.0.0.2"),
        ("127.0.0.1", ["1.1.1.1, nonsense"], "127.0.0.1"),
        ("127.0.0.1", ["unknown"], "127.0.0.1"),
        ("127.0.0.1", [""], "127.0.0.1"),
        ("127.0.0.1", ["\xe4"], "127.0.0.1"),
        ("::ffff:127.0.0.1", ["::ffff:198.51.100.7"], "198.51.100.7"),
        ("127.0.0.1", ["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", [], "2001:db8:1:2::/64"),
        (None, ["198.51.100.7"], "unknown"),
        ("", ["198.51.100.7"], "unknown"),
    ],
)
def test_only_what_a_trusted_proxy_wrote_is_believed(peer, forwarded, expected):
    assert client_address(asked_from(peer, *forwarded), LOOPBACK) == expected


def test_a_chain_of_trusted_proxies_is_followed_to_its_end():
    request = asked_from("127.0.0.1", "1.1.1.1, 198.51.100.7, 10.0.0.3, 10.0.0.2")
    assert client_address(request, WITH_NETWORK) == "198.51.100.7"


def test_trusting_nobody_counts_the_peer():
    assert client_address(asked_from("127.0.0.1", "198.51.100.7"), ()) == "127.0.0.1"
