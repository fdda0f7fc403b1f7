"""Interrupts that come for sure."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def interrupting(target: Any, every: float = 0.03) -> Iterator[None]:
    """Another thread interrupts `target`, a store or an instance, again and again: what comes before the call is lost."""
    over = threading.Event()

    def interrupt() -> None:
        while not over.wait(every):
            target.interrupt()

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
