import pytest

from modelpick_checkout.sign_in.way_back import is_own_path, login_for


@pytest.mark.parametrize(
    "address", ["/", "/reports", "/benchmark/new?draft=1&step=review", "/reports#old", "/a//b", "/?next=//x"]
)
def test_a_path_of_this_site_is_gone_back_to(address):
    assert is_own_path(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "reports",
        "https://evil.test/",
        "//evil.test",
        "///evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "/\t/evil.test",
        "/a\r\nSet-Cookie: x=1",
        "/a\\..\\b",
        " /reports",
        "javascript:alert(1)",
        "/\u00fc",
        "/" + "a" * 500,
    ],
)
def test_nobody_is_led_to_another_site(address):
    assert not is_own_path(address)
    assert login_for(address) == "/login"
