"""The slot between a camera and who edits its frames."""

import threading

from lianpu.camera.loop import Mailbox


def test_the_newest_is_taken_and_what_it_replaced_is_counted_as_dropped() -> None:
    mailbox: Mailbox[int] = Mailbox()
    for item in (1, 2, 3):
        mailbox.put(item)
    assert mailbox.dropped == 2 and mailbox.take(0) == 3
    mailbox.put(4)
    assert mailbox.take(0) == 4 and mailbox.take(0) is None
    assert (mailbox.received, mailbox.dropped) == (4, 2)


def test_a_closed_mailbox_gives_what_is_in_it_and_has_then_ended() -> None:
    mailbox: Mailbox[str] = Mailbox()
    mailbox.put("last")
    mailbox.close()
    assert not mailbox.ended and mailbox.take(60) == "last"
    assert mailbox.ended and mailbox.take(60) is None and mailbox.dropped == 0


def test_who_waits_is_woken_by_what_comes_and_by_the_end() -> None:
    mailbox: Mailbox[int] = Mailbox()
    taken: list[int | None] = []
    first = threading.Event()

    def take_two() -> None:
        taken.append(mailbox.take(60))
        first.set()
        taken.append(mailbox.take(60))

    waiting = threading.Thread(target=take_two)
    waiting.start()
    mailbox.put(7)
    assert first.wait(60)
    mailbox.close()
    waiting.join(60)
    assert taken == [7, None]
