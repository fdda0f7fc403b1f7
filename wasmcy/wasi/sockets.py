"""Sockets the Python program hands over, as descriptors: listening ones, connections, datagrams.

The guest gets a duplicate, which its `fd_close` closes; the program's own object stays open. Both are the same
socket for the host, and the duplicate never blocks (waiting is done here), so neither does the original.
"""

from __future__ import annotations

import socket

from wasmcy.wasi import abi
from wasmcy.wasi.abi import EINVAL, ENOTCONN, ENOTSUP, ESPIPE, WasiError
from wasmcy.wasi.descriptors import Descriptor, OpenFile
from wasmcy.wasi.vectors import gather, with_views
from wasmcy.wasi.waiting import closed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wasmcy.wasi.abi import Memory
    from wasmcy.wasi.vectors import Vectors

_MESSAGES = hasattr(socket.socket, "sendmsg")  # not on Windows
_HOW = {
    abi.SHUT_RD: socket.SHUT_RD,
    abi.SHUT_WR: socket.SHUT_WR,
    abi.SHUT_RD | abi.SHUT_WR: socket.SHUT_RDWR,
}


class Socket(Descriptor):
    """A socket; `socket` is owned by the descriptor."""

    __slots__ = ("socket",)

    refusals = OpenFile.refusals | {
        abi.FD_SEEK: ESPIPE,
        abi.FD_TELL: ESPIPE,
        abi.FD_ADVISE: ESPIPE,
        abi.FD_ALLOCATE: ESPIPE,
        abi.FD_READ: ENOTCONN,
        abi.FD_WRITE: ENOTCONN,
        abi.FD_FILESTAT_SET_SIZE: EINVAL,
        abi.FD_SYNC: EINVAL,
        abi.FD_DATASYNC: EINVAL,
        abi.SOCK_ACCEPT: EINVAL,
        abi.SOCK_SHUTDOWN: ENOTCONN,
    }

    def __init__(self, owned: socket.socket, flags: int = 0) -> None:
        rights = abi.FD_FDSTAT_SET_FLAGS | abi.FD_FILESTAT_GET | abi.POLL_FD_READWRITE
        if owned.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            rights |= abi.SOCK_ACCEPT | abi.FD_READ
        else:
            rights |= abi.FD_READ | abi.FD_WRITE | abi.SOCK_SHUTDOWN
        stream = owned.type == socket.SOCK_STREAM
        super().__init__(abi.SOCKET_STREAM if stream else abi.SOCKET_DGRAM, rights, flags=flags)
        owned.setblocking(False)
        self.blocks = True
        self.socket = owned

    def read(self, memory: Memory, pairs: Vectors) -> int:
        return self.receive(memory, pairs, 0)[0]

    def write(self, memory: Memory, pairs: Vectors) -> int:
        if _MESSAGES:
            return with_views(memory, pairs, self.socket.sendmsg)
        return self.socket.send(gather(memory, pairs))

    def receive(self, memory: Memory, pairs: Vectors, flags: int) -> tuple[int, int]:
        """Receive what is there: how many bytes, and `roflags`."""
        host = socket.MSG_PEEK if flags & abi.PEEK else 0
        told = 0

        def into(parts: list[memoryview]) -> int:
            nonlocal told
            if not _MESSAGES:
                return self.socket.recv_into(parts[0], 0, host)
            count, _, said, _ = self.socket.recvmsg_into(parts, 0, host)
            told = abi.DATA_TRUNCATED if said & socket.MSG_TRUNC else 0
            return count

        return with_views(memory, pairs, into), told

    def accept(self, flags: int) -> Socket:
        connection, _ = self.socket.accept()
        try:
            return Socket(connection, flags)
        except BaseException:
            connection.close()
            raise

    def shutdown(self, how: int) -> None:
        if how not in _HOW:
            raise WasiError(EINVAL)
        self.socket.shutdown(_HOW[how])

    def pread(self, memory: Memory, pairs: Vectors, offset: int) -> int:
        raise WasiError(ESPIPE)

    pwrite = pread

    def set_flags(self, flags: int) -> None:
        if flags & abi.APPEND:
            raise WasiError(ENOTSUP)
        super().set_flags(flags)

    def waitable(self, event: int) -> int:
        return self.socket.fileno()

    def close(self) -> None:
        host = self.socket.fileno()
        self.socket.close()
        closed(host)


def duplicate(given: object) -> Socket:
    """The descriptor for a socket of the program.

    Raises:
        TypeError: it is none.
        OSError: it is closed.
    """
    if not isinstance(given, socket.socket):
        raise TypeError(f"sockets holds socket.socket objects, not {type(given).__name__}")
    copy = given.dup()
    try:
        return Socket(copy)
    except BaseException:
        copy.close()
        raise
