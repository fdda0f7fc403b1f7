"""Files and directories in memory: as a guest sees them, and as the Python program does."""

import os

import pytest

import wasmcy
from wasmcy import MemoryDirectory, MemoryFile
from wasmcy.wasi import INHERIT, abi

READ_WRITE = abi.FD_READ | abi.FD_WRITE


@pytest.fixture
def files():
    return MemoryDirectory({"in.txt": b"0123456789", "below/deep/one": b"1", "below/two": b"22"})


@pytest.fixture
def guest(new_guest, files):
    return new_guest(dirs={"/": files})


# ------------------------------------------------------------------------------- for the program


def test_a_directory_is_a_mapping_of_paths(files):
    assert dict(files) == {"in.txt": b"0123456789", "below/two": b"22", "below/deep/one": b"1"}
    files["new/er"] = b"x"
    files["in.txt"] = b"replaced"
    del files["below/two"]
    assert sorted(files) == ["below/deep/one", "in.txt", "new/er"]
    assert len(files) == 3 and "in.txt" in files and "below" not in files
    assert files == {"in.txt": b"replaced", "below/deep/one": b"1", "new/er": b"x"}
    for missing in ("none", "below", "in.txt/x", "none/x"):
        with pytest.raises(KeyError):
            files[missing]
        with pytest.raises(KeyError):
            del files[missing]


@pytest.mark.parametrize("path", ["", "/x", "x/", "a//b", ".", "..", "a/../b", "a\0b"])
def test_what_is_no_path_is_refused(files, path):
    with pytest.raises(ValueError, match="not a path in memory"):
        files[path] = b""


def test_results_are_read_back(guest, files):
    guest.create("out", b"made by the guest")
    assert guest("path_create_directory", 3, "d") == "success"
    guest.create("d/e", b"e")
    assert guest("path_unlink_file", 3, "in.txt") == "success"
    assert files == {"out": b"made by the guest", "d/e": b"e", "below/deep/one": b"1", "below/two": b"22"}


def test_a_dict_holds_what_the_guest_left(new_guest):
    given = {"in": b"1", "gone": b"2", "d/f": b"3"}
    guest = new_guest(dirs={"/": given})
    guest("path_unlink_file", 3, "gone")
    guest("path_rename", 3, "d", 3, "moved")
    fd = guest.open("in", 0, READ_WRITE, abi.APPEND)
    guest.write(fd, b"2")
    assert given == {"in": b"1", "gone": b"2", "d/f": b"3"}
    guest.wasi.flush()
    assert given == {"in": b"12", "moved/f": b"3"}
    guest.write(fd, b"3")
    guest.wasi.close()
    assert given == {"in": b"123", "moved/f": b"3"}


def test_a_read_only_dict_is_not_changed(new_guest):
    guest = new_guest(dirs={"/": wasmcy.ReadOnly({"in": b"1"})})
    assert guest.read(guest.open("in")) == b"1"
    assert guest.open("in", 0, READ_WRITE) == "rofs"
    assert guest.open("new", abi.O_CREAT) == "rofs"
    assert guest("path_unlink_file", 3, "in") == "rofs"


def test_a_file_of_the_programs_own_answers_by_itself(new_guest, files):
    class Squares(MemoryFile):
        size = 1 << 40

        def readinto(self, offset, buffer):
            for i in range(len(buffer)):
                buffer[i] = (offset + i) ** 2 % 256
            return len(buffer)

        def write(self, offset, data):
            raise PermissionError(13, "squares stay what they are")

    files.add("numbers/squares", Squares())
    guest = new_guest(dirs={"/": files})
    fd = guest.open("numbers/squares", 0, READ_WRITE)
    assert guest.pread(fd, 4, (1 << 40) - 4) == bytes(n**2 % 256 for n in range((1 << 40) - 4, 1 << 40))
    assert guest.read(fd, 5) == bytes([0, 1, 4, 9, 16])
    assert guest.write(fd, b"x") == "acces"
    assert guest.stat("numbers/squares")[4] == 1 << 40


def test_a_directory_of_the_programs_own_makes_its_entries(new_guest):
    class Echo(MemoryDirectory):
        def names(self):
            return ["a", "b"]

        def lookup(self, name):
            return MemoryFile(name.encode() * 3) if name != "none" else None

        def create(self, name):
            raise OSError(28, "nothing can be made here")

    guest = new_guest(dirs={"/": Echo()})
    assert guest.names() == [".", "..", "a", "b"]
    assert guest.read(guest.open("xyz")) == b"xyz" * 3
    assert guest.open("none") == "noent"
    assert guest.open("none", abi.O_CREAT) == "nospc"
    assert guest("path_unlink_file", 3, "a") == "perm"
    assert guest("path_rename", 3, "a", 3, "none") == "perm"


# ---------------------------------------------------------------------------------- for the guest


def test_reading_writing_seeking(guest):
    fd = guest.open("in.txt", 0, abi.FILE_RIGHTS)
    assert guest.read(fd, 4) == b"0123"
    assert guest.write(fd, b"ab", b"", b"cd") == 4
    assert guest.pread(fd, 100, 2) == b"23abcd89"
    assert guest.result("fd_seek", fd, -1, 2, layout="<Q") == 9
    assert guest.result("fd_seek", fd, -10, 1, layout="<Q") == "inval"
    assert guest.read(fd) == b"9"
    assert guest.read(fd) == b""
    assert guest.result("fd_pwrite", fd, *guest.vectors(b"end"), 12) == 3
    assert guest.pread(fd, 100, 9) == b"9\0\0end"
    assert guest.result("fd_pwrite", fd, *guest.vectors(b"x"), 1 << 63) == "inval"
    assert guest("fd_filestat_set_size", fd, 3) == "success"
    assert guest("fd_allocate", fd, 4, 2) == "success"
    assert guest.pread(fd, 100, 0) == b"012\0\0\0"
    assert guest.stat("in.txt")[2:5] == (abi.REGULAR_FILE, 1, 6)


def test_appending_goes_to_the_end_whatever_the_position(guest, files):
    one, two = (guest.open("in.txt", 0, READ_WRITE, abi.APPEND) for _ in range(2))
    guest.write(one, b"a")
    guest.write(two, b"b")
    guest.write(one, b"c")
    assert files["in.txt"] == b"0123456789abc"


@pytest.mark.parametrize(
    ("path", "oflags", "rights", "answer"),
    [
        ("in.txt", abi.O_CREAT | abi.O_EXCL, abi.FD_READ, "exist"),
        ("in.txt", abi.O_DIRECTORY, abi.FD_READ, "notdir"),
        ("in.txt/", 0, abi.FD_READ, "notdir"),
        ("in.txt/x", 0, abi.FD_READ, "notdir"),
        ("none", 0, abi.FD_READ, "noent"),
        ("none/x", abi.O_CREAT, abi.FD_READ, "noent"),
        ("below", 0, abi.FD_WRITE, "isdir"),
        ("below", abi.O_CREAT, abi.FD_READ, "isdir"),
        ("x" * 256, abi.O_CREAT, abi.FD_READ, "nametoolong"),
        ("../in.txt", 0, abi.FD_READ, "perm"),
        ("/in.txt", 0, abi.FD_READ, "perm"),
    ],
)
def test_opening_what_cannot_be(guest, path, oflags, rights, answer):
    assert guest.open(path, oflags, rights) == answer


CHANGES = [
    ("path_create_directory", (3, "below"), "exist"),
    ("path_create_directory", (3, "in.txt"), "exist"),
    ("path_remove_directory", (3, "below"), "notempty"),
    ("path_remove_directory", (3, "in.txt"), "notdir"),
    ("path_remove_directory", (3, "none"), "noent"),
    ("path_unlink_file", (3, "below"), "isdir"),
    ("path_unlink_file", (3, "none"), "noent"),
    ("path_rename", (3, "in.txt", 3, "below"), "isdir"),
    ("path_rename", (3, "below", 3, "in.txt"), "notdir"),
    ("path_rename", (3, "below", 3, "below/deep/x"), "inval"),
    ("path_rename", (3, "in.txt", 3, "in.txt"), "success"),
    ("path_rename", (3, "in.txt", 3, "y" * 256), "nametoolong"),
    ("path_rename", (3, "in.txt", 3, "below/two"), "success"),
    ("path_rename", (3, "below/deep", 3, "deep"), "success"),
    ("path_link", (3, 0, "below", 3, "hard"), "perm"),
    ("path_link", (3, 0, "in.txt", 3, "below/two"), "exist"),
    ("path_link", (3, 0, "in.txt", 3, "below/hard"), "success"),
    ("path_symlink", ("in.txt", 3, "below"), "exist"),
    ("path_readlink", (3, "in.txt", 512, 9, 64), "inval"),
]


@pytest.mark.parametrize(("name", "arguments", "answer"), CHANGES)
def test_changes_answer_as_on_a_disk(guest, new_guest, tmp_path, name, arguments, answer):
    """Each case is done to a directory of the host as well, which is the yardstick."""
    (tmp_path / "below" / "deep").mkdir(parents=True)
    for path, data in (("in.txt", b"0123456789"), ("below/deep/one", b"1"), ("below/two", b"22")):
        (tmp_path / path).write_bytes(data)
    host = new_guest(dirs={"/": tmp_path})
    assert guest(name, *arguments) == answer
    if os.name == "posix" or answer == "success":
        assert host(name, *arguments) == answer
    assert sorted(guest.names()) == sorted(host.names())


def test_links(guest, files):
    assert guest("path_symlink", "below/two", 3, "soft") == "success"
    assert guest("path_symlink", "../../out", 3, "out") == "success"
    assert guest("path_symlink", "loop", 3, "loop") == "success"
    assert guest.read(guest.open("soft")) == b"22"
    assert guest.open("soft", follow=False) == "loop"
    assert guest.open("out") == "perm"
    assert guest.open("loop") == "loop"
    assert guest("path_link", 3, 0, "in.txt", 3, "hard") == "success"
    assert guest.stat("hard")[3] == 2
    assert guest("path_unlink_file", 3, "in.txt") == "success"
    assert guest.read(guest.open("hard")) == b"0123456789"
    assert "soft" not in files and "hard" in files


def test_a_file_lives_until_it_is_closed_and_a_removed_directory_takes_nothing(guest, files):
    fd = guest.open("in.txt", 0, READ_WRITE)
    guest("path_unlink_file", 3, "in.txt")
    assert guest.read(fd) == b"0123456789"
    guest("path_create_directory", 3, "d")
    d = guest.open_directory("d")
    guest("path_remove_directory", 3, "d")
    assert guest.open("x", abi.O_CREAT, fd=d) == "noent"
    assert guest("path_create_directory", d, "x") == "noent"
    assert guest("path_rename", 3, "below", d, "x") == "noent"
    assert "below/two" in files


def test_nothing_moves_between_disk_and_memory(new_guest, files, root):
    guest = new_guest(dirs={"/memory": files, "/disk": root})
    guest.create("f", b"f", fd=4)
    assert guest("path_rename", 3, "in.txt", 4, "x") == "xdev"
    assert guest("path_rename", 4, "f", 3, "x") == "xdev"
    assert guest("path_link", 3, 0, "in.txt", 4, "x") == "xdev"


def test_times_are_the_guests(new_guest, files):
    assert new_guest(dirs={"/": files}).stat("in.txt")[5:] == (0, 0, 0)
    guest = new_guest(dirs={"/": files}, clock=lambda number: 7_000_000_123)
    guest.create("new", b"x")
    assert guest.stat("new")[5:] == (7_000_000_123,) * 3
    assert guest("path_filestat_set_times", 3, 0, "new", 5, 0, abi.ATIM | abi.MTIM_NOW) == "success"
    assert guest.stat("new")[5:7] == (5, 7_000_000_123)
    dark = new_guest(dirs={"/": {"f": b""}})
    assert dark("path_filestat_set_times", 3, 0, "f", 0, 0, abi.ATIM_NOW | abi.MTIM_NOW) == "success"
    assert dark.stat("f")[5:7] == (0, 0)  # no clock was granted: "now" tells nothing
    new_guest(dirs={"/": files}, clock=INHERIT)


def test_listing_goes_on_while_names_come_and_go(guest):
    for i in range(100):
        guest.create(f"f{i:03}")
    assert len(guest.names(room=100)) == 104


# --------------------------------------------------------------------------------------- limits


@pytest.mark.parametrize(
    "grow",
    [
        lambda guest, fd: guest.write(fd, bytes(60_000)),
        lambda guest, fd: guest("fd_filestat_set_size", fd, 1 << 40),
        lambda guest, fd: guest("fd_allocate", fd, 1 << 40, 1 << 40),
        lambda guest, fd: guest.result("fd_pwrite", fd, *guest.vectors(b"x"), 1 << 40),
    ],
)
def test_a_guest_that_wants_more_than_the_limit_gets_enospc(new_guest, grow):
    files = MemoryDirectory(limit=100_000)
    guest = new_guest(dirs={"/": files})
    guest.create("kept", bytes(50_000))
    fd = guest.open("f", abi.O_CREAT, abi.FILE_RIGHTS)
    assert grow(guest, fd) == "nospc"
    assert guest.write(fd, bytes(40_000)) == 40_000


def test_what_does_not_fit_replaces_nothing():
    files = MemoryDirectory({"f": b"kept"}, limit=10_000)
    with pytest.raises(OSError, match=r"No space|ENOSPC"):
        files["f"] = bytes(20_000)
    assert files == {"f": b"kept"}
    files["f"] = bytes(9_000)
    files["f"] = bytes(9_001)
    assert files.volume.budget.used == 9_001 + 512


def test_names_count_too_and_what_is_removed_is_given_back(new_guest):
    files = MemoryDirectory(limit=100_000)
    guest = new_guest(dirs={"/": files})
    for _ in range(3):
        made = 0
        while guest("path_create_directory", 3, f"d{made}") == "success":
            made += 1
        assert 100 < made < 200
        for i in range(made):
            assert guest("path_remove_directory", 3, f"d{i}") == "success"
        guest.create("f", bytes(90_000))
        guest("path_unlink_file", 3, "f")
    assert files.volume.budget.used == 0


def test_deep_trees_are_no_trouble(new_guest):
    files = MemoryDirectory()
    guest = new_guest(dirs={"/": files})
    fd = 3
    for _ in range(3000):
        assert guest("path_create_directory", fd, "d") == "success"
        new = guest.open_directory("d", fd)
        if fd != 3:
            guest("fd_close", fd)
        fd = new
    guest.create("f", b"at the bottom", fd=fd)
    assert list(files.values()) == [b"at the bottom"]
    assert len(files) == 1


def test_what_is_written_to_memory_is_limited(new_guest):
    import io

    for out in (io.BytesIO(), io.StringIO(), io.TextIOWrapper(io.BytesIO())):
        guest = new_guest(stdout=out, stderr=[].append, buffer=100)
        assert [guest.write(1, bytes(60)), guest.write(1, bytes(60))] == [60, "nospc"]
        assert guest.write(2, bytes(1000)) == 1000  # where that goes the program knows


def test_lists_of_directories_are_limited(new_guest, root):
    for i in range(100):
        (root / f"file{i}").touch()
    guest = new_guest(dirs={"/": root}, buffer=15_000)
    fds = [guest.open_directory(".") for _ in range(3)]
    assert len(guest.names(fds[0])) == 102
    assert guest.result("fd_readdir", fds[1], 4096, 4096, 0) == "nospc"
    guest("fd_close", fds[0])
    assert len(guest.names(fds[1])) == 102
    assert len(guest.names(fds[1])) == 102  # from the start again
