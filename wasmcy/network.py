"""Outgoing TCP and HTTP for guests, to hosts on a list: a provider of imports beside `Wasi`.

It shows what a provider is: an object whose `imports()` maps module names to functions by name. Its functions get
the Caller first, wait no longer than `caller.time_left()`, and put what they open among the descriptors of the
guest's `Wasi`, so that the guest reads, writes, polls and closes it like everything else. In a guest that may be
suspended they wait in the event loop; what http.client does, and resolving names, is done in a thread there.

    wasmcy_network.tcp_connect(host, host_len, port, out) -> errno
        out: u32, the descriptor of a connection
    wasmcy_network.http_request(method, method_len, url, url_len, headers, headers_len, body, body_len, out) -> errno
        headers: lines `name: value`, ended by "\\n"; out: u32 status, u32 descriptor to read the body from
    wasmcy_network.http_header(fd, name, name_len, buffer, room, out) -> errno
        a header of the answer read from `fd`, cut off after `room` bytes; out: u32, its length

Each argument is an i32. ENOTCAPABLE: the host and port are not on the list.
"""

from __future__ import annotations

import errno
import io
import os
import socket
from struct import pack

from .errors import expect
from .runtime import with_caller
from .wasi.abi import ERRNO_NAMES, EVENT_FD_READ, EVENT_FD_WRITE, FD_READ, FILETYPE_UNKNOWN, MASK32, WasiError
from .wasi.calls import ERRORS, error_code
from .wasi.descriptors import Descriptor
from .wasi.sockets import Socket
from .wasi.vectors import MAX_COPY, scatter, size_of
from .wasi.waiting import Threaded, Wait, begin, block, go_on

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from http.client import HTTPResponse
    from typing import Any

    from .runtime import Caller
    from .wasi.abi import Memory
    from .wasi.preview1 import Wasi
    from .wasi.vectors import Vectors
    from .wasi.waiting import Step, Steps, TimeLeft

MODULE = "wasmcy_network"
MAX_TEXT = 1 << 16  # bytes of a URL or of all headers
MAX_BODY = 1 << 24

EBADF, EINVAL, ENOTCAPABLE, EPROTO, ENOENT = map(ERRNO_NAMES.index, ("badf", "inval", "notcapable", "proto", "noent"))
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_OWN_HEADERS = frozenset(["host", "content-length", "transfer-encoding", "connection", "upgrade"])


def _call(function: Callable[..., Steps[None] | None]) -> Callable[..., Any]:
    """An import: takes the caller and its integers unsigned, answers with an error code, or an awaitable of it."""

    def call(network: Network, caller: Caller, *arguments: int) -> Any:
        try:
            steps = function(network, caller.memory, *(argument & MASK32 for argument in arguments))
            step = None if steps is None else begin(steps, caller)
        except Exception as error:
            return _code(error)
        return 0 if steps is None or step is None else _later(steps, step, caller)

    call.__name__, call.__doc__ = function.__name__, function.__doc__
    return with_caller(call)


async def _later(steps: Steps[None], step: Step, caller: Caller) -> int:
    try:
        await go_on(steps, step, caller)
    except Exception as error:
        return _code(error)
    return 0


def _code(error: Exception) -> int:
    """The error code for an exception that is the guest's; others are raised again."""
    from http.client import HTTPException

    if isinstance(error, HTTPException) or type(error).__module__ == "ssl":
        return EPROTO
    if isinstance(error, ERRORS):
        return error_code(error)
    if isinstance(error, ValueError):  # what http.client says of control characters
        return EINVAL
    raise error


class Network:
    """Outgoing connections for one guest, to the hosts and ports of `allow`, and to nothing else.

        >>> from wasmcy import Wasi
        >>> wasi = Wasi()
        >>> network = Network(wasi, allow=["api.example.com:443", "*.example.org:80", "[::1]:*"])
        >>> network.allows("API.example.com", 443), network.allows("example.com", 443)
        (True, False)

    An entry is a host and a port: the host as the guest writes it, or "*." and the end of it; the port a number,
    or "*". The list holds names: what a name resolves to is the system's affair, so list no name that others
    control. Resolving a name is the one wait that only Ctrl-C ends.

    Give both providers to the module: `module.instantiate(wasi=[wasi, network])`.

    Raises:
        ValueError: an entry is none.
    """

    def __init__(self, wasi: Wasi, allow: Iterable[str] = ()) -> None:
        self.wasi = wasi
        self._allowed = [_entry(text) for text in allow]

    def imports(self) -> dict[str, dict[str, Callable[..., int]]]:
        """The functions by module and name."""
        names = ("tcp_connect", "http_request", "http_header")
        return {MODULE: {name: getattr(self, name) for name in names}}

    def allows(self, host: str, port: int) -> bool:
        """Whether the guest may connect there."""
        host = _plain(host)
        return any(
            (port == wanted or wanted is None) and (host.endswith(name) if name[0] == "." else host == name)
            for name, wanted in self._allowed
        )

    def connecting(self, host: str, port: int) -> Steps[socket.socket]:
        """The steps to a connection that does not block, to an allowed host.

        Raises:
            WasiError: ENOTCAPABLE.
            OSError: what the system says.
        """
        if not self.allows(host, port):
            raise WasiError(ENOTCAPABLE)
        self.wasi.descriptors.check_room()
        failed = OSError(errno.EHOSTUNREACH, "no address")
        for family, kind, protocol, _, address in (yield Threaded(lambda time_left: _addresses(host, port))):
            new = socket.socket(family, kind, protocol)
            try:
                yield from _finish_connecting(new, address)
                return new
            except OSError as error:
                new.close()
                failed = error
            except BaseException:
                new.close()
                raise
        raise failed

    @_call
    def tcp_connect(self, memory: Memory, host: int, length: int, port: int, out: int) -> Steps[None]:
        """Open a connection."""
        memory.write(out, bytes(4))
        new = yield from self.connecting(_text(memory, host, length, 255), port)
        memory.write(out, pack("<I", self.wasi.descriptors.add(Socket(new))))

    @_call
    def http_request(
        self, memory: Memory, method: int, method_length: int, url: int, url_length: int,
        headers: int, headers_length: int, body: int, body_length: int, out: int,
    ) -> Steps[None]:  # fmt: skip
        """Send a request and wait for the head of the answer; redirections are the guest's to follow."""
        memory.write(out, bytes(8))
        if body_length > MAX_BODY:
            raise WasiError(EINVAL)
        request = (
            _text(memory, method, method_length, 32),
            _text(memory, url, url_length, MAX_TEXT),
            _headers(_text(memory, headers, headers_length, MAX_TEXT)),
            memory.read(body, body_length),
        )
        answer: Answer = yield Threaded(lambda time_left: self._request(*request, time_left), Answer.close)
        fd = self.wasi.descriptors.add(answer)
        memory.write(out, pack("<II", answer.response.status, fd))

    def _request(self, method: str, url: str, headers: dict[str, str], body: bytes, time_left: TimeLeft) -> Answer:
        from http.client import HTTPConnection
        from urllib.parse import urlsplit

        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise WasiError(EINVAL)
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        plain = block(self.connecting(parts.hostname, port), time_left)
        wire = Wire(plain, parts.hostname if secure else None, time_left)
        try:
            connection = HTTPConnection(parts.hostname, port)
            connection.sock = wire
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request(method, target, body or None, {**headers, "Connection": "close"})
            return Answer(connection.getresponse(), wire)
        except BaseException:
            wire.end()
            raise

    @_call
    def http_header(self, memory: Memory, fd: int, name: int, length: int, buffer: int, room: int, out: int) -> None:
        """A header of an answer; several of one name are joined by ", ". ENOENT: there is none."""
        answer = self.wasi.descriptors.find(fd)
        if not isinstance(answer, Answer):
            raise WasiError(EBADF)
        value = answer.response.getheader(_text(memory, name, length, MAX_TEXT))
        if value is None:
            raise WasiError(ENOENT)
        data = value.encode("utf-8", "surrogateescape")
        memory.write(buffer, data[:room])
        memory.write(out, pack("<I", len(data)))


class Answer(Descriptor):
    """The body of an answer, for the guest to read."""

    __slots__ = ("response", "wire")

    def __init__(self, response: HTTPResponse, wire: Wire) -> None:
        super().__init__(FILETYPE_UNKNOWN, FD_READ)
        self.blocks = True
        self.response = response
        self.wire = wire

    def reading(self, memory: Memory, pairs: Vectors) -> Steps[int]:
        wanted = min(size_of(memory, pairs), MAX_COPY)
        data = yield Threaded(lambda time_left: self._take(wanted, time_left))
        scatter(memory, pairs, data)
        return len(data)

    def _take(self, length: int, time_left: TimeLeft) -> bytes:
        from http.client import HTTPException

        self.wire.time_left = time_left
        try:
            return self.response.read1(length)
        except HTTPException:
            raise WasiError(EPROTO) from None

    def read(self, memory: Memory, pairs: Vectors) -> int:
        return 0  # there is no room: all else is `reading`

    def close(self) -> None:
        self.response.close()


class Wire:
    """A connection as http.client wants its socket: what waits, waits as long as `time_left` allows."""

    def __init__(self, plain: socket.socket, secure_for: str | None, time_left: TimeLeft) -> None:
        self._socket = plain
        self.time_left = time_left
        if secure_for is None:
            return
        import ssl

        try:
            context = ssl.create_default_context()
            self._socket = context.wrap_socket(plain, server_hostname=secure_for, do_handshake_on_connect=False)
            self._waiting(EVENT_FD_WRITE, self._socket.do_handshake)
        except BaseException:
            self.end()
            raise

    def _waiting(self, event: int, act: Callable[..., Any], *arguments: Any) -> Any:
        """Do what may have to wait; TLS says itself for what."""
        while True:
            try:
                return act(*arguments)
            except BlockingIOError:
                wanted = event
            except OSError as error:
                wanted = {"SSLWantReadError": EVENT_FD_READ, "SSLWantWriteError": EVENT_FD_WRITE}.get(
                    type(error).__name__, -1
                )
                if wanted < 0:
                    raise
            Wait([(self._socket.fileno(), wanted)], None).block(self.time_left)

    def receive(self, buffer: Any) -> int:
        return int(self._waiting(EVENT_FD_READ, self._socket.recv_into, buffer))

    def sendall(self, data: bytes) -> None:
        with memoryview(data) as left:
            done = 0
            while done < len(left):
                done += self._waiting(EVENT_FD_WRITE, self._socket.send, left[done:])

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Incoming(self))

    def close(self) -> None:
        """Nothing: http.client has let go of it, but the answer is still read."""

    def end(self) -> None:
        self._socket.close()


class _Incoming(io.RawIOBase):
    """What comes over a wire; closing it ends the connection."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._wire.receive(buffer)

    def close(self) -> None:
        self._wire.end()
        super().close()


def _entry(text: str) -> tuple[str, int | None]:
    """A host, or the end of hosts with its dot, and a port, None for all."""
    expect(text, str, "a host and port")
    host, colon, port = text.rpartition(":")
    name = _plain(host[1:] if host.startswith("*.") else host)
    known = port == "*" or (port.isascii() and port.isdecimal() and int(port) < 1 << 16)
    if not colon or not name.strip(".") or "*" in name or not known:
        raise ValueError(f"not a host and port: {text!r} (write example.com:443, *.example.com:80 or example.com:*)")
    return name, None if port == "*" else int(port)


def _plain(host: str) -> str:
    return host.lower().removeprefix("[").removesuffix("]").removesuffix(".")


def _addresses(host: str, port: int) -> list[Any]:
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        raise OSError(errno.EHOSTUNREACH, "no such host") from None


def _finish_connecting(new: socket.socket, address: Any) -> Steps[None]:
    new.setblocking(False)
    code = new.connect_ex(address)
    if code in (errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", code)) and code:
        yield Wait([(new.fileno(), EVENT_FD_WRITE)], None)
        code = new.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))


def _text(memory: Memory, at: int, length: int, most: int) -> str:
    if length > most:
        raise WasiError(EINVAL)
    text = memory.read(at, length).decode()
    if "\0" in text:
        raise WasiError(EINVAL)
    return text


def _headers(text: str) -> dict[str, str]:
    headers = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if not colon or not name or not _TOKEN.issuperset(name) or name.lower() in _OWN_HEADERS:
            raise WasiError(EINVAL)
        headers[name] = value.strip()
    return headers
