"""The calls `sock_*`: on sockets that were granted, and connections accepted from them.

Each raises EBADF for a descriptor that is not open and ENOTSOCK for one that is no socket. Specification:
preview 1, "Modules", `wasi_snapshot_preview1`.
"""

from __future__ import annotations

from struct import pack

from wasmcy.wasi import abi
from wasmcy.wasi.abi import EINVAL, ENOTSOCK, ENOTSUP, EVENT_FD_READ, U32, WasiError
from wasmcy.wasi.calls import PREVIEW1, call
from wasmcy.wasi.fd_calls import told
from wasmcy.wasi.vectors import after, has_room, vectors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wasmcy.wasi.abi import Caller, Memory
    from wasmcy.wasi.preview1 import Wasi
    from wasmcy.wasi.sockets import Socket
    from wasmcy.wasi.vectors import Vectors
    from wasmcy.wasi.waiting import Steps


def _find(wasi: Wasi, fd: int, right: int) -> Any:
    """The socket `fd`, which may do that."""
    found = wasi.descriptors.find(fd)
    if found.filetype not in (abi.SOCKET_STREAM, abi.SOCKET_DGRAM) or not hasattr(found, "receive"):
        raise WasiError(ENOTSOCK)
    return wasi.descriptors.find(fd, right)


@call("i32 i32 i32", modules=(PREVIEW1,), waits=True)
def sock_accept(wasi: Wasi, caller: Caller, memory: Memory, fd: int, flags: int, out: int) -> Steps[None]:
    """Accept a connection; `flags` are its `fdflags`. EINVAL: a socket that does not listen, or another flag
    than `nonblock`. EMFILE: too many descriptors are open.
    """
    listening = _find(wasi, fd, abi.SOCK_ACCEPT)
    if flags & ~abi.NONBLOCK:
        raise WasiError(EINVAL)
    wasi.descriptors.check_room()
    memory.write(out, U32.pack(0))  # nothing is accepted that could not be told

    def accept() -> Socket:
        wasi.descriptors.check_room()  # another call may have opened some meanwhile
        new: Socket = listening.accept(flags)
        return new

    new = yield from listening.when_ready(EVENT_FD_READ, accept)
    memory.write(out, U32.pack(wasi.descriptors.add(new)))


@call("i32 i32 i32 i32 i32 i32", waits=True)
def sock_recv(
    wasi: Wasi, caller: Caller, memory: Memory, fd: int, iovs: int, count: int, flags: int, out: int, out_flags: int
) -> Steps[None]:
    """Receive: into buffers, how many bytes, and `roflags`. EINVAL: unknown flags.

    `recv_waitall` waits until the buffers are full or the other side has ended.
    """
    sock = _find(wasi, fd, abi.FD_READ)
    if flags & ~(abi.PEEK | abi.WAITALL):
        raise WasiError(EINVAL)
    pairs = vectors(memory, iovs, count)
    memory.write(out, bytes(4))
    memory.write(out_flags, bytes(2))
    done, said = yield from _receive(sock, memory, pairs, flags)
    memory.write(out, U32.pack(done))
    memory.write(out_flags, pack("<H", said))


def _receive(sock: Any, memory: Memory, pairs: Vectors, flags: int) -> Steps[tuple[int, int]]:
    done = said = 0

    def receive() -> tuple[int, int]:
        result: tuple[int, int] = sock.receive(memory, pairs, flags)
        return result

    while has_room(pairs):
        try:
            got, said = yield from sock.when_ready(EVENT_FD_READ, receive)
        except BlockingIOError:
            if not done:
                raise
            break
        done += got
        if not got or flags != abi.WAITALL or sock.filetype != abi.SOCKET_STREAM:
            break
        pairs = after(pairs, got)
    return done, said


@call("i32 i32 i32 i32 i32", waits=True)
def sock_send(
    wasi: Wasi, caller: Caller, memory: Memory, fd: int, iovs: int, count: int, flags: int, out: int
) -> Steps[None]:
    """Send, at least a part. ENOTSUP: flags, of which there are none."""
    sock = _find(wasi, fd, abi.FD_WRITE)
    if flags:
        raise WasiError(ENOTSUP)
    pairs = vectors(memory, iovs, count)
    memory.write(out, bytes(4))
    return told(memory, out, sock.writing(memory, pairs))


@call("i32 i32")
def sock_shutdown(wasi: Wasi, memory: Memory, fd: int, how: int) -> None:
    """End one or both directions. EINVAL: neither. ENOTCONN: it is not connected."""
    _find(wasi, fd, abi.SOCK_SHUTDOWN).shutdown(how)
