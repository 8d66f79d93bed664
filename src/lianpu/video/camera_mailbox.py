"""A mailbox with one slot between who brings and who takes: what was not taken in time is dropped, so that nothing grows old in a queue."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Mailbox(Generic[Item]):
    """Holds the newest thing that was put in. For one thread that puts and one that takes."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._item: Item | None = None
        self._closed = False
        self._put = 0
        self._taken = 0

    def put(self, item: Item) -> None:
        """Put in what came; what nobody has taken is dropped."""
        with self._changed:
            self._item = item
            self._put += 1
            self._changed.notify_all()

    def close(self) -> None:
        """Nothing more will come. What is in it can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def take(self, timeout_s: float) -> Item | None:
        """The newest thing that nobody has taken; None when nothing came in time, or nothing more will come (`ended`)."""
        with self._changed:
            self._changed.wait_for(lambda: self._item is not None or self._closed, timeout_s)
            item, self._item = self._item, None
            self._taken += item is not None
            return item

    @property
    def ended(self) -> bool:
        """Whether it is closed and empty."""
        with self._changed:
            return self._closed and self._item is None

    @property
    def came(self) -> int:
        """How many things were put in."""
        with self._changed:
            return self._put

    @property
    def dropped(self) -> int:
        """How many of them were replaced before anybody took them."""
        with self._changed:
            return self._put - self._taken - (self._item is not None)
