"""Outgoing connections: to what is on the list, on a server of this machine, and to nothing else."""

import asyncio
import socket
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import wasmcy
from tests.wasi import conftest
from wasmcy.wasi import abi

FETCH = Path(__file__).parent.parent / "examples" / "guests" / "fetch.wasm"


host_descriptors = conftest.host_descriptors


ASKED = threading.Event()  # the guest that waits in vain is done


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/slow":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Head: ")
            ASKED.wait(60)  # and nothing more until the guest has given up
            return
        if self.path == "/broken":
            self.wfile.write(b"no HTTP at all\r\n\r\n")
            return
        status = 302 if self.path == "/moved" else 404 if self.path == "/none" else 200
        body = b"x" * 100_000 if self.path == "/long" else f"{self.command} {self.path} {self.body()!r}".encode()
        self.send_response(status)
        self.send_header("Location", "http://example.com/")
        self.send_header("X-Sent", self.headers.get("X-Mine", "nothing"))
        self.send_header("X-Host", self.headers.get("Host", "nothing"))
        if self.path == "/chunked":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n")
            return
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def log_message(self, *_):
        pass

    def handle(self):
        try:
            super().handle()
        except ConnectionError:  # the guest has gone
            pass


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(4096):
            self.request.sendall(data.upper())


def serve(server):
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def http():
    yield from serve(ThreadingHTTPServer(("127.0.0.1", 0), Handler))


@pytest.fixture
def echo():
    socketserver.ThreadingTCPServer.daemon_threads = True
    yield from serve(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo))


@pytest.fixture(params=[False, True], ids=["in place", "in an event loop"])
def runner(request):
    """As in tests/wasi: all results are the same."""
    if not request.param:
        yield None
        return
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def connected(runner):
    """A guest with a Network that allows what is named."""
    guests = []

    def new(*allow):
        guest = conftest.Guest(runner=runner)
        guests.append(guest)
        guest.network = wasmcy.Network(guest.wasi, allow)
        return guest

    yield new
    for guest in guests:
        guest.wasi.close()


def call(guest, name, *arguments):
    """A call of the network: strings become (address, length); the error's name."""
    flat = []
    for argument in arguments:
        if isinstance(argument, (str, bytes)):
            data = argument.encode() if isinstance(argument, str) else argument
            flat += [guest.put(data), len(data)]
        else:
            flat.append(argument)
    return abi.ERRNO_NAMES[guest.end(guest.network.imports()["wasmcy_network"][name](guest, *flat))]


def request(guest, url, method="GET", headers="", body=b""):
    """Status and descriptor, or the error."""
    said = call(guest, "http_request", method, url, headers, body, 512)
    if said != "success":
        return said
    return int.from_bytes(guest.memory[512:516], "little"), int.from_bytes(guest.memory[516:520], "little")


def read_all(guest, fd):
    parts = []
    while part := guest.read(fd, 4096):
        parts.append(part)
    return b"".join(parts)


def test_requests(connected, http):
    guest = connected(f"localhost:{http}")
    status, fd = request(guest, f"http://localhost:{http}/a?b=c", "POST", "X-Mine: given\n", b"body")
    assert (status, read_all(guest, fd)) == (200, b"POST /a?b=c b'body'")
    assert call(guest, "http_header", fd, "x-SENT", 2048, 3, 512) == "success"
    assert (guest.memory[2048:2051], guest.memory[512]) == (b"giv", 5)
    assert call(guest, "http_header", fd, "x-none", 2048, 3, 512) == "noent"
    assert call(guest, "http_header", 1, "x-none", 2048, 3, 512) == "badf"
    assert guest("fd_close", fd) == "success"


@pytest.mark.parametrize(
    ("path", "status", "length"),
    [("/none", 404, 13), ("/moved", 302, 14), ("/long", 200, 100_000), ("/chunked", 200, 11)],
)
def test_answers_are_handed_over_as_they_are(connected, http, path, status, length):
    guest = connected(f"127.0.0.1:{http}")
    found, fd = request(guest, f"http://127.0.0.1:{http}{path}")
    assert (found, len(read_all(guest, fd))) == (status, length)


def test_a_connection_is_a_descriptor_like_others(connected, echo):
    guest = connected(f"127.0.0.1:{echo}")
    assert call(guest, "tcp_connect", "127.0.0.1", echo, 512) == "success"
    fd = guest.memory[512]
    assert guest.fdstat(fd)[0] == abi.SOCKET_STREAM
    assert guest.write(fd, b"hello") == 5
    assert guest.read(fd) == b"HELLO"
    assert guest("sock_shutdown", fd, abi.SHUT_WR) == "success"
    assert guest.read(fd) == b""
    assert guest("fd_close", fd) == "success"


@pytest.mark.parametrize(
    ("allow", "host", "port", "allowed"),
    [
        ([], "example.com", 443, False),
        (["example.com:443"], "example.com", 443, True),
        (["example.com:443"], "EXAMPLE.com.", 443, True),
        (["example.com:443"], "example.com", 80, False),
        (["example.com:443"], "www.example.com", 443, False),
        (["example.com:443"], "example.com.evil.org", 443, False),
        (["example.com:443"], "notexample.com", 443, False),
        (["*.example.com:443"], "www.example.com", 443, True),
        (["*.example.com:443"], "a.b.example.com", 443, True),
        (["*.example.com:443"], "example.com", 443, False),
        (["*.example.com:443"], "notexample.com", 443, False),
        (["a:1", "b:*"], "b", 65535, True),
        (["[::1]:80"], "::1", 80, True),
        (["127.0.0.1:80"], "127.1", 80, False),
        (["127.0.0.1:80"], "2130706433", 80, False),
        (["127.0.0.1:80"], "localhost", 80, False),
    ],
)
def test_the_list(allow, host, port, allowed):
    assert wasmcy.Network(wasmcy.Wasi(), allow).allows(host, port) is allowed


@pytest.mark.parametrize("entry", ["", "example.com", "example.com:", "example.com:x", "example.com:65536", ":80",
                                   "*:80", "*.:80", "a.*.com:80", "x:-1", "x:²"])  # fmt: skip
def test_what_is_no_entry_is_refused(entry):
    with pytest.raises(ValueError, match="not a host and port"):
        wasmcy.Network(wasmcy.Wasi(), [entry])


REQUESTS = [
    ("http://other:{port}/", "GET", "", "notcapable"),
    ("http://127.0.0.1:1/", "GET", "", "notcapable"),
    ("http://user@127.0.0.1:{port}/", "GET", "", "inval"),
    ("http://other:80@127.0.0.1:{port}/", "GET", "", "inval"),
    ("file:///etc/passwd", "GET", "", "inval"),
    ("ftp://127.0.0.1:{port}/", "GET", "", "inval"),
    ("127.0.0.1:{port}/", "GET", "", "inval"),
    ("http://127.0.0.1:x/", "GET", "", "inval"),
    ("http://127.0.0.1:{port}/a b", "GET", "", "proto"),
    ("http://127.0.0.1:{port}/\0", "GET", "", "inval"),
    ("http://127.0.0.1:{port}/", "GET / HTTP/1.1\r\nX: y", "", "inval"),
    ("http://127.0.0.1:{port}/", "GET", "no colon\n", "inval"),
    ("http://127.0.0.1:{port}/", "GET", "Host: other\n", "inval"),
    ("http://127.0.0.1:{port}/", "GET", "Content-Length: 5\n", "inval"),
    ("http://127.0.0.1:{port}/", "GET", "Bad Name: x\n", "inval"),
    ("http://127.0.0.1:{port}/broken", "GET", "", "proto"),
]


@pytest.mark.parametrize(("url", "method", "headers", "error"), REQUESTS)
def test_requests_that_are_refused(connected, http, url, method, headers, error):
    guest = connected(f"127.0.0.1:{http}")
    assert request(guest, url.format(port=http), method, headers) == error
    assert guest("fd_fdstat_get", 3, 512) == "badf"


def test_what_nobody_serves_is_told(connected):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    guest = connected(f"127.0.0.1:{port}", "none.invalid:80")
    assert call(guest, "tcp_connect", "127.0.0.1", port, 512) == "connrefused"
    assert call(guest, "tcp_connect", "none.invalid", 80, 512) == "hostunreach"
    assert call(guest, "tcp_connect", "127.0.0.1", port, 1 << 30) == "fault"
    assert guest.network.imports()["wasmcy_network"]["tcp_connect"](guest, -1, 5, port, 512) == abi.EFAULT
    assert call(guest, "tcp_connect", "x" * 256, 80, 512) == "inval"


def test_a_request_ends_at_the_timeout(http):
    url = f"http://127.0.0.1:{http}/slow"
    with wasmcy.Wasi(args=["fetch", url]) as wasi:
        network = wasmcy.Network(wasi, [f"127.0.0.1:{http}"])
        guest = wasmcy.Module.from_file(FETCH).instantiate(wasi=[wasi, network], limits=wasmcy.Limits(timeout=0.2))
        try:
            with pytest.raises(wasmcy.Timeout):
                guest.exports._start()
        finally:
            ASKED.set()


@pytest.mark.parametrize("ends", ["cancelled", "timeout"])
def test_a_request_in_an_event_loop_ends_and_leaves_nothing(ends):
    async def main():
        with wasmcy.Wasi(args=["fetch", url]) as wasi:
            network = wasmcy.Network(wasi, ["127.0.0.1:*"])
            limits = wasmcy.Limits(timeout=0.1) if ends == "timeout" else None
            guest = wasmcy.Module.from_file(FETCH).instantiate(wasi=[wasi, network], limits=limits)
            task = asyncio.create_task(guest.exports._start.call_async())
            loop = asyncio.get_running_loop()
            connection, _ = await loop.sock_accept(server)
            connection.setblocking(False)
            if ends == "cancelled":
                task.cancel()
            with pytest.raises(asyncio.CancelledError if ends == "cancelled" else wasmcy.Timeout):
                await task
            with connection:
                while await loop.sock_recv(connection, 4096):  # until the other end is closed
                    pass
        while any(thread.name == "wasmcy waits" for thread in threading.enumerate()):
            await asyncio.sleep(0.01)

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        with asyncio.Runner() as runner:
            runner.run(asyncio.wait_for(main(), 60))


def test_a_guest_fetches_from_a_server_in_its_own_loop():
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
        await asyncio.sleep(0.01)
        writer.write(b"hello")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def main():
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            with wasmcy.Wasi(args=["fetch", f"http://127.0.0.1:{port}/"], stdout=out.append) as wasi:
                network = wasmcy.Network(wasi, [f"127.0.0.1:{port}"])
                guest = wasmcy.Module.from_file(FETCH).instantiate(wasi=[wasi, network])
                with pytest.raises(wasmcy.Exit) as end:
                    await guest.exports._start.call_async()
                return end.value.code

    out = []
    assert asyncio.run(main()) == 2
    assert b"".join(out) == b"hello"


def test_providers_stand_side_by_side_in_any_order(http):
    for turn in (1, -1):
        out = []
        with wasmcy.Wasi(args=["fetch", f"http://127.0.0.1:{http}/x"], stdout=out.append) as wasi:
            providers = [wasi, wasmcy.Network(wasi, ["127.0.0.1:*"])][::turn]
            guest = wasmcy.Module.from_file(FETCH).instantiate(wasi=providers)
            with pytest.raises(wasmcy.Exit) as end:
                guest.exports._start()
        assert (end.value.code, out) == (2, [b"GET /x b''"])


def test_without_the_provider_there_is_no_network():
    with wasmcy.Wasi() as wasi, pytest.raises(wasmcy.LinkError, match=r"wasmcy_network\.http_request"):
        wasmcy.Module.from_file(FETCH).instantiate(wasi=wasi)


def test_nothing_stays_open(connected, http, echo, host_descriptors):
    before = host_descriptors()
    guest = connected("127.0.0.1:*")
    for _ in range(5):
        assert request(guest, f"http://127.0.0.1:{http}/long")[0] == 200  # and not read
        assert call(guest, "tcp_connect", "127.0.0.1", echo, 512) == "success"
    guest.wasi.close()
    for _ in range(100):
        if host_descriptors() <= before:
            break
        time.sleep(0.05)  # the servers' ends are closed by their threads
    assert host_descriptors() <= before
