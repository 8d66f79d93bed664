"""Who may come in, and by which name."""

import pytest

from lianpu.web.server.server import Place, is_local, known_hosts, password_door


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost", "LOCALHOST"])
def test_addresses_of_this_machine(host: str) -> None:
    assert is_local(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "example.org", "", "127.0.0.1.evil.org"])
def test_addresses_that_others_reach(host: str) -> None:
    assert not is_local(host)


def test_the_names_of_a_page() -> None:
    assert known_hosts(Place(names=("Faces.Home",))) == {"localhost", "127.0.0.1", "::1", "faces.home"}
    assert known_hosts(Place("0.0.0.0")) is None


def test_only_a_name_with_its_own_password_opens_the_door() -> None:
    opens = password_door({"anna": "a", "bert": "密"})
    assert opens("anna", "a") and opens("bert", "密")
    for name, password in (("anna", "密"), ("anna", ""), ("nobody", ""), ("nobody", "a"), ("", "")):
        assert not opens(name, password)
