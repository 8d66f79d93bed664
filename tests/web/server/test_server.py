"""Addresses, host names and logins."""

import pytest

from lianpu.web.server.server import ServerSettings, allowed_hosts, is_loopback, password_check


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost", "LOCALHOST"])
def test_addresses_of_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "example.org", "", "127.0.0.1.evil.org"])
def test_addresses_that_others_reach(host: str) -> None:
    assert not is_loopback(host)


def test_allowed_hosts_of_a_page_without_login() -> None:
    assert allowed_hosts(ServerSettings(names=("Faces.Home",))) == {"localhost", "127.0.0.1", "::1", "faces.home"}
    assert allowed_hosts(ServerSettings("0.0.0.0")) is None


def test_only_a_user_with_the_right_password_may_log_in() -> None:
    matches = password_check({"anna": "a", "bert": "密"})
    assert matches("anna", "a") and matches("bert", "密")
    for name, password in (("anna", "密"), ("anna", ""), ("nobody", ""), ("nobody", "a"), ("", "")):
        assert not matches(name, password)
