"""Messages, as pywasm prints them when `lvl` is 1; wasmcy has none to print."""

from __future__ import annotations

import datetime

lvl = 0


def debugln(*args: object) -> None:
    """Print, if `lvl` says so."""
    if lvl > 0:
        println(*args)


def println(*args: object) -> None:
    print(datetime.datetime.now().strftime("%Y/%m/%d %H:%M:%S"), "pywasm:", *args)
