"""Sockets that were handed over: accepting, receiving, sending, shutting down."""

import socket
import threading
from struct import unpack_from

import pytest
import wasmtime

import wasmcy
from wasmcy.wasi import abi

LISTENING, CONNECTED = 3, 4


@pytest.fixture
def network():
    """A listening socket, and both ends of a connection."""
    ours, theirs = socket.socketpair()
    with socket.create_server(("127.0.0.1", 0)) as server, ours, theirs:
        ours.settimeout(10)
        yield server, ours, theirs


@pytest.fixture
def guest(new_guest, network):
    server, _, theirs = network
    return new_guest(sockets=[server, theirs])


def receive(guest, fd, *lengths, flags=0):
    """What arrived in each buffer, and `roflags`; or the error."""
    at, count = guest.vectors(*lengths)
    said = guest("sock_recv", fd, at, count, flags, 512, 516)
    if said != "success":
        return said
    left, parts = unpack_from("<I", guest.memory, 512)[0], []
    for i in range(count):
        start, length = unpack_from("<II", guest.memory, at + 8 * i)
        parts.append(guest.memory.read(start, min(left, length)))
        left -= len(parts[-1])
    return parts, unpack_from("<H", guest.memory, 516)[0]


def send(guest, fd, *parts, flags=0):
    return guest.result("sock_send", fd, *guest.vectors(*parts), flags)


def test_sockets_come_after_directories_and_say_what_they_are(new_guest, network, tmp_path):
    server, _, theirs = network
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        guest = new_guest(dirs={"/": tmp_path}, sockets=[server, theirs, datagrams])
        kinds = [guest.fdstat(fd)[0] for fd in (3, 4, 5, 6)]
        assert kinds == [abi.DIRECTORY, abi.SOCKET_STREAM, abi.SOCKET_STREAM, abi.SOCKET_DGRAM]
        assert guest("fd_prestat_get", 4, 512) == "badf"
        assert guest.result("fd_filestat_get", 5, layout="<16xB") == abi.SOCKET_STREAM


def test_a_connection_is_accepted_read_and_written(guest, network):
    server = network[0]
    with socket.create_connection(server.getsockname(), timeout=10) as client:
        client.sendall(b"hello")
        fd = guest.result("sock_accept", LISTENING, 0)
        assert fd == 5
        assert guest.fdstat(fd)[0] == abi.SOCKET_STREAM
        assert guest.read(fd) == b"hello"
        assert guest.write(fd, b"wor", b"ld") == 5
        assert client.recv(100) == b"world"
        assert guest("sock_shutdown", fd, abi.SHUT_WR) == "success"
        assert client.recv(100) == b""
        assert guest("fd_close", fd) == "success"
        assert guest.read(fd) == "badf"


def test_receiving_spreads_over_buffers_and_can_look_ahead(guest, network):
    network[1].sendall(b"0123456789")
    assert receive(guest, CONNECTED, 4, flags=abi.PEEK) == ([b"0123"], 0)
    assert receive(guest, CONNECTED, 2, 0, 3) == ([b"01", b"", b"234"], 0)
    assert receive(guest, CONNECTED, 100) == ([b"56789"], 0)


def test_waiting_for_all(guest, network):
    ours = network[1]
    ours.sendall(b"012")
    threading.Timer(0.05, ours.sendall, [b"3456789"]).start()
    assert receive(guest, CONNECTED, 5, 3, flags=abi.WAITALL) == ([b"01234", b"567"], 0)
    ours.shutdown(socket.SHUT_WR)
    assert receive(guest, CONNECTED, 5, flags=abi.WAITALL) == ([b"89"], 0)
    assert receive(guest, CONNECTED, 5) == ([b""], 0)


@pytest.mark.skipif(not hasattr(socket.socket, "recvmsg_into"), reason="Windows does not tell")
def test_a_datagram_that_is_too_long_is_cut_off_and_told(new_guest):
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as two,
    ):
        one.bind(("127.0.0.1", 0))
        two.connect(one.getsockname())
        guest = new_guest(sockets=[one])
        two.send(b"0123456789")
        assert receive(guest, 3, 4) == ([b"0123"], abi.DATA_TRUNCATED)


def test_sending(guest, network):
    assert send(guest, CONNECTED, b"one ", b"", b"two") == 7
    assert network[1].recv(100) == b"one two"
    network[1].close()
    said = [send(guest, CONNECTED, b"x") for _ in range(3)]
    assert {"pipe", "connreset"} & set(said)


def test_what_does_not_wait_says_so(guest):
    for fd in (LISTENING, CONNECTED):
        assert guest("fd_fdstat_set_flags", fd, abi.NONBLOCK) == "success"
    assert guest.result("sock_accept", LISTENING, 0) == "again"
    assert guest.read(CONNECTED) == "again"
    assert receive(guest, CONNECTED, 5, flags=abi.WAITALL) == "again"


def test_an_accepted_connection_does_not_wait_if_it_was_asked_so(guest, network):
    with socket.create_connection(network[0].getsockname(), timeout=10):
        fd = guest.result("sock_accept", LISTENING, abi.NONBLOCK)
        assert guest.fdstat(fd)[1] == abi.NONBLOCK
        assert guest.read(fd) == "again"


@pytest.mark.parametrize(
    ("name", "arguments", "error"),
    [
        ("sock_accept", (9, 0, 512), "badf"),
        ("sock_accept", (1, 0, 512), "notsock"),
        ("sock_accept", (CONNECTED, 0, 512), "inval"),
        ("sock_accept", (LISTENING, abi.APPEND, 512), "inval"),
        ("sock_accept", (LISTENING, 0, 1 << 30), "fault"),
        ("sock_recv", (9, 0, 0, 0, 512, 516), "badf"),
        ("sock_recv", (0, 0, 0, 0, 512, 516), "notsock"),
        ("sock_recv", (CONNECTED, 0, 0, 4, 512, 516), "inval"),
        ("sock_recv", (CONNECTED, 0, 2000, 0, 512, 516), "inval"),
        ("sock_recv", (CONNECTED, 1 << 30, 1, 0, 512, 516), "fault"),
        ("sock_recv", (CONNECTED, 0, 0, 0, 512, 1 << 30), "fault"),
        ("sock_send", (9, 0, 0, 0, 512), "badf"),
        ("sock_send", (2, 0, 0, 0, 512), "notsock"),
        ("sock_send", (LISTENING, 0, 0, 0, 512), "notconn"),
        ("sock_send", (CONNECTED, 0, 0, 1, 512), "notsup"),
        ("sock_send", (CONNECTED, 0, 0, 0, 1 << 30), "fault"),
        ("sock_shutdown", (9, 1), "badf"),
        ("sock_shutdown", (1, 1), "notsock"),
        ("sock_shutdown", (CONNECTED, 0), "inval"),
        ("sock_shutdown", (CONNECTED, 4), "inval"),
        ("sock_shutdown", (LISTENING, 1), "notconn"),
        ("fd_seek", (CONNECTED, 0, 0, 512), "spipe"),
        ("fd_tell", (CONNECTED, 512), "spipe"),
        ("fd_allocate", (CONNECTED, 0, 1), "spipe"),
        ("fd_filestat_set_size", (CONNECTED, 1), "inval"),
        ("fd_readdir", (CONNECTED, 0, 0, 0, 512), "notdir"),
        ("path_create_directory", (CONNECTED, 0, 1), "notdir"),
        ("fd_fdstat_set_flags", (CONNECTED, abi.APPEND), "notsup"),
    ],
)
def test_refusals(guest, name, arguments, error):
    assert guest(name, *arguments) == error


def test_preview_0_has_no_accept(guest):
    assert "sock_accept" not in guest.functions["wasi_unstable"]
    assert {"sock_recv", "sock_send", "sock_shutdown"} <= guest.functions["wasi_unstable"].keys()


def test_closing_leaves_the_programs_own_socket_open(new_guest, network, host_descriptors):
    before = host_descriptors()
    server, ours, theirs = network
    guest = new_guest(sockets=[server, theirs])
    with socket.create_connection(server.getsockname(), timeout=10):
        assert guest.result("sock_accept", 3, 0) == 5
        guest.wasi.close()
        assert theirs.send(b"x") == 1
        assert ours.recv(10) == b"x"
    assert host_descriptors() == before


def test_what_is_no_socket_is_refused(network, host_descriptors):
    before = host_descriptors()
    with pytest.raises(TypeError, match=r"sockets holds socket\.socket objects, not int"):
        wasmcy.Wasi(sockets=[network[0], 7])
    assert host_descriptors() == before


ECHO = """(module
  (import "wasi_snapshot_preview1" "sock_accept" (func $accept (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (memory (export "memory") 2)
  (func (export "_start") (local $fd i32)
    (drop (call $accept (i32.const 3) (i32.const 0) (i32.const 0)))
    (local.set $fd (i32.load (i32.const 0)))
    (loop $more
      (i32.store (i32.const 8) (i32.const 1024))
      (i32.store (i32.const 12) (i32.const 65536))
      (if (call $read (local.get $fd) (i32.const 8) (i32.const 1) (i32.const 16)) (then (unreachable)))
      (if (i32.load (i32.const 16)) (then
        (loop $rest
          (i32.store (i32.const 12) (i32.load (i32.const 16)))
          (if (call $write (local.get $fd) (i32.const 8) (i32.const 1) (i32.const 20)) (then (unreachable)))
          (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.load (i32.const 20))))
          (i32.store (i32.const 16) (i32.sub (i32.load (i32.const 16)) (i32.load (i32.const 20))))
          (br_if $rest (i32.load (i32.const 16))))
        (br $more))))
    (drop (call $close (local.get $fd)))))"""


def test_an_echo_server(network):
    server = network[0]
    sent = bytes(range(256)) * 4096  # more than the system's buffers hold
    got = bytearray()

    def client():
        with socket.create_connection(server.getsockname(), timeout=30) as connection:
            writer = threading.Thread(target=lambda: (connection.sendall(sent), connection.shutdown(socket.SHUT_WR)))
            writer.start()
            while part := connection.recv(65536):
                got.extend(part)
            writer.join()

    thread = threading.Thread(target=client)
    thread.start()
    with wasmcy.Wasi(sockets=[server]) as wasi:
        module = wasmcy.Module(wasmtime.wat2wasm(ECHO))
        module.instantiate(wasi=wasi, limits=wasmcy.Limits(timeout=60)).exports._start()
    thread.join()
    assert bytes(got) == sent


def test_polling_sockets(guest, network):
    from tests.wasi.test_poll import CLOCK, READ, WRITE, clock, poll, reads, writes

    assert [e[2] for e in poll(guest, reads(CONNECTED), clock(1))] == [CLOCK]
    assert [e[2] for e in poll(guest, reads(CONNECTED), writes(CONNECTED))] == [WRITE]
    threading.Timer(0.05, network[1].sendall, [b"12345"]).start()
    assert poll(guest, reads(CONNECTED), clock(10**10)) == [(8, "success", READ, 5, 0)]
    with socket.create_connection(network[0].getsockname(), timeout=10):
        assert poll(guest, reads(LISTENING), clock(10**11))[0][:3] == (8, "success", READ)
