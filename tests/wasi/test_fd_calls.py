"""Open files and directories: reading, writing, positions, attributes, numbers."""

import os
import time
from struct import unpack_from

import pytest

from wasmcy.wasi import ReadOnly, abi

READ_WRITE = abi.FD_READ | abi.FD_WRITE
ALL_BUT_SOCKETS = abi.FILE_RIGHTS


@pytest.fixture
def file(guest, root):
    """A file of ten bytes, open for reading and writing; its number is 4."""
    (root / "f").write_bytes(b"0123456789")
    assert guest.open("f", rights=ALL_BUT_SOCKETS) == 4
    return 4


@pytest.mark.parametrize(
    ("parts", "written"),
    [
        ([b"abc"], b"abc"),
        ([b"abc", b"", b"defg"], b"abcdefg"),
        ([b""], b""),
        ([], b""),
        ([b"x"] * 1024, b"x" * 1024),
        ([b"y" * 100_000], b"y" * 100_000),
    ],
)
def test_what_is_written_is_the_buffers_one_after_another(guest, root, parts, written):
    fd = guest.open("new", abi.O_CREAT, READ_WRITE)
    assert guest.write(fd, *parts) == len(written)
    assert (root / "new").read_bytes() == written


@pytest.mark.parametrize(
    ("lengths", "spread"),
    [
        ([10], [b"0123456789"]),
        ([4, 0, 4], [b"0123", b"", b"4567"]),
        ([4, 100], [b"0123", b"456789"]),
        ([0], [b""]),
        ([], []),
    ],
)
def test_what_is_read_is_spread_over_the_buffers(guest, file, lengths, spread):
    at, count = guest.vectors(*lengths)
    assert guest.result("fd_read", file, at, count) == sum(map(len, spread))
    for i, wanted in enumerate(spread):
        (buffer,) = unpack_from("<I", guest.memory, at + 8 * i)
        assert guest.memory.read(buffer, len(wanted)) == wanted


@pytest.mark.parametrize("name", ["fd_read", "fd_write"])
def test_more_than_1024_buffers_are_einval(guest, file, name):
    assert guest(name, file, 0, 1025, 0) == "inval"
    assert guest(name, file, 0, 0xFFFF_FFFF, 0) == "inval"


def test_buffers_may_overlap_and_name_more_than_the_memory_in_all(guest, file):
    size = len(guest.memory)
    vectors = guest.put((b"\0\0\0\0" + size.to_bytes(4, "little")) * 8)
    assert guest.result("fd_write", file, vectors, 8) == 8 * size
    assert guest("fd_seek", file, 0, 0, 512) == "success"
    pairs = guest.put((b"\0\x20\0\0" + (4096).to_bytes(4, "little")) * 8)
    assert guest.result("fd_read", file, pairs, 8) == 8 * 4096


def test_pread_and_pwrite_leave_the_position(guest, file, root):
    assert guest.read(file, 3) == b"012"
    assert guest.pread(file, 4, 5) == b"5678"
    assert guest.pread(file, 4, 100) == b""
    assert guest.result("fd_pwrite", file, *guest.vectors(b"AB"), 8) == 2
    assert guest.read(file) == b"34567AB"
    assert (root / "f").read_bytes() == b"01234567AB"


@pytest.mark.parametrize("offset", [1 << 63, (1 << 64) - 1])
def test_offsets_beyond_what_a_host_has_are_einval(guest, file, offset):
    assert guest.pread(file, 1, offset) == "inval"
    assert guest.result("fd_pwrite", file, *guest.vectors(b"x"), offset) == "inval"
    assert guest("fd_filestat_set_size", file, offset) == "inval"
    assert guest("fd_allocate", file, offset, 1) == "inval"
    assert guest("fd_advise", file, offset, 1, 0) == "inval"


SEEKS = [
    # preview 1 whence, preview 0 whence, offset, answer; from position 3 of 10 bytes
    (0, 2, 7, 7),
    (0, 2, 20, 20),
    (0, 2, -1, "inval"),
    (1, 0, 4, 7),
    (1, 0, 0, 3),
    (1, 0, -3, 0),
    (1, 0, -4, "inval"),
    (2, 1, 0, 10),
    (2, 1, -10, 0),
    (2, 1, 5, 15),
    (2, 1, -11, "inval"),
    (3, 3, 0, "inval"),
    (255, 255, 0, "inval"),
]


@pytest.mark.parametrize(("whence", "whence_0", "offset", "answer"), SEEKS)
def test_seek(guest, file, whence, whence_0, offset, answer):
    for module, number in (("wasi_snapshot_preview1", whence), ("wasi_unstable", whence_0)):
        guest("fd_seek", file, 3, 0, 512)
        assert guest.result("fd_seek", file, offset, number, layout="<Q", module=module) == answer
        told = guest.result("fd_tell", file, layout="<Q")
        assert told == (3 if answer == "inval" else answer)


def test_appending_writes_at_the_end_wherever_the_position_is(guest, root):
    (root / "log").write_bytes(b"one\n")
    fd = guest.open("log", 0, READ_WRITE, abi.APPEND)
    assert guest.fdstat(fd)[1] == abi.APPEND
    guest.write(fd, b"two\n")
    guest("fd_seek", fd, 0, 0, 512)
    guest.write(fd, b"three\n")
    assert (root / "log").read_bytes() == b"one\ntwo\nthree\n"
    assert guest("fd_fdstat_set_flags", fd, 0) == "success"
    guest("fd_seek", fd, 0, 0, 512)
    guest.write(fd, b"ONE")
    assert (root / "log").read_bytes() == b"ONE\ntwo\nthree\n"
    assert guest("fd_fdstat_set_flags", fd, abi.APPEND) == "success"
    guest.write(fd, b"four\n")
    assert (root / "log").read_bytes() == b"ONE\ntwo\nthree\nfour\n"


@pytest.mark.parametrize(
    ("flags", "answer"),
    [(0, "success"), (abi.APPEND, "success"), (abi.NONBLOCK, "success"),
     (abi.APPEND | abi.NONBLOCK, "success"), (abi.SYNC, "inval"), (abi.DSYNC, "inval"),
     (abi.RSYNC, "inval"), (1 << 5, "inval")],
)  # fmt: skip
def test_only_append_and_nonblock_can_change(guest, file, flags, answer):
    assert guest("fd_fdstat_set_flags", file, flags) == answer
    assert guest.fdstat(file)[1] == (flags if answer == "success" else 0)


@pytest.mark.parametrize(
    ("rights", "call", "answer"),
    [
        (abi.FD_READ, "fd_write", "badf"),
        (abi.FD_READ, "fd_read", "success"),
        (abi.FD_WRITE, "fd_read", "badf"),
        (abi.FD_WRITE, "fd_write", "success"),
        (0, "fd_read", "badf"),
        (0, "fd_write", "badf"),
        (READ_WRITE, "fd_read", "success"),
        (READ_WRITE, "fd_write", "success"),
    ],
)
def test_a_file_can_be_read_and_written_as_it_was_opened(guest, root, rights, call, answer):
    (root / "f").write_bytes(b"0123456789")
    fd = guest.open("f", 0, rights)
    assert guest(call, fd, *guest.vectors(b"x"), 512) == answer


def test_rights_can_be_taken_away_but_not_added(guest, file):
    _, _, rights, inheriting = guest.fdstat(file)
    assert guest("fd_fdstat_set_rights", file, rights | abi.PATH_OPEN, inheriting) == "notcapable"
    assert guest("fd_fdstat_set_rights", file, rights, inheriting | 1) == "notcapable"
    fewer = rights & ~(abi.FD_SEEK | abi.FD_FILESTAT_SET_SIZE | abi.FD_FILESTAT_GET)
    assert guest("fd_fdstat_set_rights", file, fewer, inheriting) == "success"
    assert guest.fdstat(file)[2] == fewer
    assert guest("fd_fdstat_set_rights", file, rights, inheriting) == "notcapable"
    assert guest("fd_seek", file, 1, 0, 512) == "notcapable"
    assert guest("fd_filestat_get", file, 512) == "notcapable"
    assert guest("fd_tell", file, 512) == "success"
    assert guest.read(file) == b"0123456789"


@pytest.mark.parametrize(
    "right",
    [abi.FD_ADVISE, abi.FD_SYNC, abi.FD_DATASYNC, abi.FD_FDSTAT_SET_FLAGS, abi.FD_TELL,
     abi.FD_FILESTAT_SET_TIMES],
)  # fmt: skip
def test_each_right_that_is_taken_away_is_missed(guest, file, right):
    calls = {
        abi.FD_ADVISE: ("fd_advise", file, 0, 0, 0),
        abi.FD_SYNC: ("fd_sync", file),
        abi.FD_DATASYNC: ("fd_datasync", file),
        abi.FD_FDSTAT_SET_FLAGS: ("fd_fdstat_set_flags", file, 0),
        abi.FD_TELL: ("fd_tell", file, 512),
        abi.FD_FILESTAT_SET_TIMES: ("fd_filestat_set_times", file, 0, 0, 1),
    }
    assert guest(*calls[right]) == "success"
    _, _, rights, _ = guest.fdstat(file)
    guest("fd_fdstat_set_rights", file, rights & ~right, 0)
    assert guest(*calls[right]) == "notcapable"


# What a directory (3), a file (4) and the streams (0, 1) say to calls that are not for them.
NOT_ITS_KIND = [
    ("fd_read", (3, 64, 0, 512), "isdir"),
    ("fd_pread", (3, 64, 0, 0, 512), "isdir"),
    ("fd_write", (3, 64, 0, 512), "badf"),
    ("fd_pwrite", (3, 64, 0, 0, 512), "badf"),
    ("fd_seek", (3, 0, 0, 512), "badf"),
    ("fd_tell", (3, 512), "badf"),
    ("fd_advise", (3, 0, 0, 0), "badf"),
    ("fd_allocate", (3, 0, 1), "badf"),
    ("fd_filestat_set_size", (3, 0), "badf"),
    ("fd_readdir", (4, 512, 100, 0, 64), "notdir"),
    ("fd_prestat_get", (4, 512), "badf"),
    ("fd_prestat_get", (0, 512), "badf"),
    ("path_open", (4, 0, "x", 0, 0, 0, 0, 512), "notdir"),
    ("path_create_directory", (4, "x"), "notdir"),
    ("path_filestat_get", (4, 0, "x", 512), "notdir"),
    ("path_unlink_file", (1, "x"), "notdir"),
    ("path_rename", (3, "x", 4, "y"), "notdir"),
    ("path_rename", (4, "x", 3, "y"), "notdir"),
    ("path_link", (4, 0, "x", 3, "y"), "notdir"),
    ("path_symlink", ("x", 4, "y"), "notdir"),
    ("path_readlink", (4, "x", 512, 0, 64), "notdir"),
    ("fd_read", (1, 64, 0, 512), "badf"),
    ("fd_write", (0, 64, 0, 512), "badf"),
    ("fd_seek", (0, 0, 0, 512), "spipe"),
    ("fd_tell", (1, 512), "spipe"),
    ("fd_pread", (0, 64, 0, 0, 512), "spipe"),
    ("fd_pwrite", (1, 64, 0, 0, 512), "spipe"),
    ("fd_allocate", (1, 0, 1), "spipe"),
    ("fd_advise", (0, 0, 0, 0), "spipe"),
    ("fd_filestat_set_size", (1, 0), "inval"),
    ("sock_accept", (3, 0, 512), "notsock"),
    ("sock_recv", (4, 64, 0, 0, 512, 520), "notsock"),
    ("sock_send", (1, 64, 0, 0, 512), "notsock"),
    ("sock_shutdown", (0, 1), "notsock"),
]


@pytest.mark.parametrize(("name", "arguments", "answer"), NOT_ITS_KIND, ids=str)
def test_a_call_that_is_not_for_this_kind_of_descriptor(guest, file, name, arguments, answer):
    assert guest(name, *arguments) == answer


@pytest.mark.parametrize(
    ("name", "rest"),
    [("fd_read", (0, 0, 0)), ("fd_write", (0, 0, 0)), ("fd_close", ()), ("fd_sync", ()),
     ("fd_datasync", ()), ("fd_fdstat_get", (0,)), ("fd_filestat_get", (0,)),
     ("fd_seek", (0, 0, 0)), ("fd_tell", (0,)), ("fd_prestat_get", (0,)),
     ("fd_prestat_dir_name", (0, 0)), ("fd_readdir", (0, 0, 0, 0)), ("fd_renumber", (3,)),
     ("path_open", (0, "x", 0, 0, 0, 0, 0)),
     ("path_unlink_file", ("x",)), ("sock_shutdown", (1,)), ("fd_fdstat_set_flags", (0,)),
     ("fd_fdstat_set_rights", (0, 0))],
)  # fmt: skip
@pytest.mark.parametrize("fd", [4, 1000, 0x7FFF_FFFF, 0xFFFF_FFFF])
def test_a_number_that_is_not_open_is_ebadf(guest, name, rest, fd):
    assert guest(name, fd, *rest) == "badf"


def test_a_preopened_directory_tells_its_name(new_guest, root):
    guest = new_guest(dirs={"/": root, "/dätä": ReadOnly(root)})
    assert guest.result("fd_prestat_get", 4, layout="<B3xI") == (0, 7)
    assert guest("fd_prestat_dir_name", 4, 512, 7) == "success"
    assert guest.memory.read(512, 7).decode() == "/dätä"
    assert guest("fd_prestat_dir_name", 4, 512, 100) == "success"
    assert guest("fd_prestat_dir_name", 4, 512, 6) == "nametoolong"
    assert guest("fd_prestat_get", 5, 512) == "badf"
    assert guest.open_directory(".") == 5
    assert guest("fd_prestat_get", 5, 512) == "badf"


def test_file_attributes(guest, file, root):
    host = os.stat(root / "f")
    found = guest.result("fd_filestat_get", file, layout="<QQB7xQQQQQ")
    mask = (1 << 64) - 1
    wanted = (host.st_dev & mask, host.st_ino & mask, abi.REGULAR_FILE, 1, 10)
    assert found == (*wanted, host.st_atime_ns, host.st_mtime_ns, host.st_ctime_ns)
    assert guest.stat("f") == found
    found_0 = guest.result("fd_filestat_get", file, layout="<QQB3xIQQQQ", module="wasi_unstable")
    assert found_0 == found
    assert guest.result("fd_filestat_get", 3, layout="<16xB") == abi.DIRECTORY
    assert guest.result("fd_filestat_get", 0, layout="<16xB") == abi.FILETYPE_UNKNOWN


@pytest.mark.parametrize("size", [0, 5, 10, 5000])
def test_set_size(guest, file, root, size):
    assert guest("fd_filestat_set_size", file, size) == "success"
    assert (root / "f").read_bytes() == b"0123456789".ljust(size, b"\0")[:size]


@pytest.mark.parametrize(
    ("offset", "length", "answer", "size"),
    [(0, 5, "success", 10), (0, 20, "success", 20), (100, 1, "success", 101), (0, 0, "inval", 10)],
)
def test_allocate(guest, file, root, offset, length, answer, size):
    assert guest("fd_allocate", file, offset, length) == answer
    assert (root / "f").stat().st_size == size


@pytest.mark.parametrize("advice", range(7))
def test_advice_changes_nothing(guest, file, advice):
    assert guest("fd_advise", file, 0, 10, advice) == ("success" if advice < 6 else "inval")
    assert guest.read(file) == b"0123456789"


NOW = -1
KEPT = -2
TIMES = [
    # flags, access time, modification time
    (abi.ATIM, 111, KEPT),
    (abi.MTIM, KEPT, 222),
    (abi.ATIM | abi.MTIM, 111, 222),
    (abi.ATIM_NOW, NOW, KEPT),
    (abi.ATIM_NOW | abi.MTIM, NOW, 222),
    (abi.ATIM_NOW | abi.MTIM_NOW, NOW, NOW),
    (0, KEPT, KEPT),
    (abi.ATIM | abi.ATIM_NOW, "inval", None),
    (abi.MTIM | abi.MTIM_NOW, "inval", None),
    (abi.ATIM | abi.MTIM | abi.MTIM_NOW, "inval", None),
    (1 << 4, "inval", None),
]


@pytest.mark.parametrize(("flags", "atime", "mtime"), TIMES)
@pytest.mark.parametrize("by", ["fd", "path"])
def test_set_times(guest, file, root, by, flags, atime, mtime):
    second = 1_000_000_000
    os.utime(root / "f", ns=(5 * second, 6 * second))
    if by == "fd":
        said = guest("fd_filestat_set_times", file, 111 * second, 222 * second, flags)
    else:
        said = guest("path_filestat_set_times", 3, 0, "f", 111 * second, 222 * second, flags)
    assert said == ("inval" if atime == "inval" else "success")
    found = os.stat(root / "f")
    if atime == "inval":
        atime, mtime = KEPT, KEPT
    for ns, wanted, before in ((found.st_atime_ns, atime, 5), (found.st_mtime_ns, mtime, 6)):
        if wanted == NOW:
            assert abs(ns - time.time_ns()) < 60 * second
        else:
            assert ns == (before if wanted == KEPT else wanted) * second


@pytest.mark.parametrize("name", ["fd_sync", "fd_datasync"])
def test_everything_can_be_synchronised(guest, file, name):
    for fd in (0, 1, 2, 3, file):
        assert guest(name, fd) == "success"


def test_new_descriptors_get_the_lowest_free_number(guest, root):
    for name in "abc":
        guest.create(name)
    assert [guest.open(name) for name in "abc"] == [4, 5, 6]
    guest("fd_close", 5)
    guest("fd_close", 0)
    assert [guest.open(name) for name in "abc"] == [0, 5, 7]


def test_renumbering_moves_and_closes(guest, root, host_descriptors):
    guest.create("a", b"A")
    guest.create("b", b"B")
    a, b = guest.open("a"), guest.open("b")
    before = host_descriptors()
    assert guest("fd_renumber", a, b) == "success"
    assert host_descriptors() == (before - 1 if before else 0)
    assert guest.read(b) == b"A"
    assert guest("fd_close", a) == "badf"
    assert guest("fd_renumber", b, a) == "badf"
    assert guest("fd_renumber", b, b) == "success"
    assert guest("fd_renumber", b, 1) == "success"
    assert guest("fd_renumber", 3, 0) == "success"
    assert guest.open("a", fd=0) == 3


def test_closing_closes_at_once(guest, root, host_descriptors):
    guest.create("a")
    before = host_descriptors()
    fd = guest.open("a")
    assert guest("fd_close", fd) == "success"
    assert host_descriptors() == before
    assert guest("fd_close", fd) == "badf"


def test_too_many_descriptors_are_emfile(guest, root, monkeypatch):
    from wasmcy.wasi import descriptors

    monkeypatch.setattr(descriptors, "MAX_DESCRIPTORS", 6)
    guest.create("a")
    assert [guest.open("a"), guest.open("a"), guest.open("a")] == [4, 5, "mfile"]
    guest("fd_close", 4)
    assert guest.open("a") == 4


# ---------------------------------------------------------------------------------- fd_readdir


@pytest.mark.parametrize("room", [40, 64, 100, 1000, 100_000])
def test_a_directory_lists_everything_once_whatever_the_buffer(guest, root, room):
    wanted = {".", "..", "dir", "ünicode", *(f"file{i}" for i in range(50))}
    for i in range(50):
        (root / f"file{i}").write_bytes(b"")
    (root / "dir").mkdir()
    (root / "ünicode").write_bytes(b"")
    names = guest.names(room=room)
    assert names[:2] == [".", ".."]
    assert set(names) == wanted
    assert len(names) == len(wanted)


def test_entries_tell_type_and_inode(guest, root):
    (root / "f").write_bytes(b"")
    (root / "d").mkdir()
    kinds = {".": abi.DIRECTORY, "..": abi.DIRECTORY, "f": abi.REGULAR_FILE, "d": abi.DIRECTORY}
    used = guest.result("fd_readdir", 3, 4096, 4096, 0)
    entries = guest.memory.read(4096, used)
    while entries:
        _, inode, length, kind = unpack_from("<QQIB", entries)
        name = entries[24 : 24 + length].decode()
        assert kind == kinds.pop(name)
        if name != "..":
            assert inode == guest.stat(name)[1]
        entries = entries[24 + length :]
    assert not kinds


def test_cookies_stay_good_while_names_come_and_go(guest, root):
    for i in range(10):
        (root / f"file{i}").write_bytes(b"")
    at = guest.put(bytes(4096))
    guest.result("fd_readdir", 3, at, 4096, 0)
    for i in range(10):
        (root / f"file{i}").unlink()
    (root / "new").write_bytes(b"")
    used = guest.result("fd_readdir", 3, at, 4096, 5)
    assert guest.memory.read(at, used).count(b"file") == 7
    assert guest.names() == [".", "..", "new"]


@pytest.mark.parametrize("cookie", [3, 1000, (1 << 64) - 1])
def test_cookies_beyond_the_end_give_nothing(guest, root, cookie):
    (root / "f").write_bytes(b"")
    assert guest.result("fd_readdir", 3, 4096, 100, cookie) == 0


def test_a_cookie_can_be_used_with_a_directory_opened_again(guest, root):
    (root / "f").write_bytes(b"")
    fd = guest.open_directory(".")
    used = guest.result("fd_readdir", fd, 4096, 100, 2)
    assert guest.memory.read(4096, used).endswith(b"f")


def test_an_entry_that_does_not_fit_is_cut_off(guest, root):
    assert guest.result("fd_readdir", 3, 4096, 30, 0) == 30
    assert guest.result("fd_readdir", 3, 4096, 0, 0) == 0
