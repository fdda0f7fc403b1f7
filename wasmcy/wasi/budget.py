"""What the host keeps in memory for a guest, counted."""

from __future__ import annotations

import errno
import os


class Budget:
    """Bytes that may be kept: `limit` of them, `used` so far."""

    __slots__ = ("limit", "used")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0

    def take(self, count: int) -> None:
        """Count `count` bytes more, or fewer.

        Raises:
            OSError: ENOSPC, that is more than the limit.
        """
        if count > self.limit - self.used:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.used += count
