"""Handles that can be closed, as all of wasmtime's that own something can."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self


class Managed:
    """The base of handles: `close` gives up what they hold; using them afterwards raises ValueError."""

    _closed = False

    def close(self) -> None:
        """Give up what the handle holds; closing again does nothing."""
        if not self._closed:
            self._closed = True
            self._release()

    def _release(self) -> None:
        """What a subclass gives up."""

    def _open(self) -> None:
        if self._closed:
            raise ValueError("already closed")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
