"""Interrupts that come for sure."""

import contextlib
import os
import signal
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


@contextlib.contextmanager
def ctrl_c(after: float = 0.05) -> Iterator[None]:
    """This process gets SIGINT. To be used inside of `pytest.raises`: it may come before what it is for."""
    timer = threading.Timer(after, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        yield
    finally:
        timer.join()
