"""Work that ends well when it is asked to."""

import os
import signal
import sys

import pytest

from lianpu.cli.stopping import stoppable

WAIT_S = 60
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends signals and opens a terminal as Unix does")


def test_the_first_ctrl_c_asks_and_the_second_breaks_off() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), stoppable() as stop:
        assert not stop.is_set()
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.wait(WAIT_S)
        os.kill(os.getpid(), signal.SIGINT)
        stop.clear()
        stop.wait(WAIT_S)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_term_signal_asks_too() -> None:
    with stoppable() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.wait(WAIT_S)


def test_the_key_q_asks_without_enter_and_other_keys_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    import pty
    import termios

    keys, terminal = pty.openpty()
    with os.fdopen(terminal, "r") as typed:
        monkeypatch.setattr(sys, "stdin", typed)
        before = termios.tcgetattr(terminal)
        with stoppable() as stop:
            assert not termios.tcgetattr(terminal)[3] & termios.ICANON
            os.write(keys, b"xq")
            assert stop.wait(WAIT_S)
        assert termios.tcgetattr(terminal) == before
        with stoppable() as stop:
            os.write(keys, b"x")
        assert not stop.is_set()
    os.close(keys)
