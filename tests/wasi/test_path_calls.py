"""Names below a directory: opening, looking, making, moving and removing."""

import os
import sys

import pytest

from wasmcy.wasi import ReadOnly, abi, directories

CREAT, DIRECTORY, EXCL, TRUNC = abi.O_CREAT, abi.O_DIRECTORY, abi.O_EXCL, abi.O_TRUNC
READ_WRITE = abi.FD_READ | abi.FD_WRITE

needs_symlinks = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")


@pytest.fixture
def tree(root):
    """dir/{f, sub/}, f, and links to them."""
    (root / "dir" / "sub").mkdir(parents=True)
    (root / "dir" / "f").write_bytes(b"in dir")
    (root / "f").write_bytes(b"at top")
    if sys.platform != "win32":
        (root / "to-f").symlink_to("f")
        (root / "to-dir").symlink_to("dir")
        (root / "to-dir-slash").symlink_to("dir/")
        (root / "to-nothing").symlink_to("nothing")
        (root / "loop").symlink_to("loop")
        (root / "to-f-slash").symlink_to("f/")
        (root / "to-absolute").symlink_to("/f")
        (root / "chain").symlink_to("to-dir/../to-f")
        (root / "dir" / "up").symlink_to("../f")
    return root


# What `path_open` says to a path, flags, and whether a last symbolic link is followed.
OPENED = [
    ("f", 0, True, b"at top"),
    ("./f", 0, True, b"at top"),
    ("dir/f", 0, True, b"in dir"),
    ("dir//f", 0, True, b"in dir"),
    ("dir/./f", 0, True, b"in dir"),
    ("dir/../f", 0, True, b"at top"),
    ("dir/sub/../f", 0, True, b"in dir"),
    ("dir/sub/../../f", 0, True, b"at top"),
    ("f", EXCL, True, b"at top"),
    ("f", CREAT, True, b"at top"),
    ("f", TRUNC, True, b""),
    ("new", CREAT, True, b""),
    ("dir/sub/new", CREAT | EXCL, True, b""),
    ("f", CREAT | EXCL, True, "exist"),
    ("none", 0, True, "noent"),
    ("none/f", 0, True, "noent"),
    ("none/f", CREAT, True, "noent"),
    ("f/f", 0, True, "notdir"),
    ("f/", 0, True, "notdir"),
    ("f/.", 0, True, "notdir"),
    ("f/..", 0, True, "notdir"),
    ("new/", CREAT, True, "isdir"),
    ("dir/", CREAT, True, "isdir"),
    ("f", DIRECTORY, True, "notdir"),
    ("new", CREAT | DIRECTORY, True, "inval"),
    ("dir", DIRECTORY | TRUNC, True, "inval"),
    ("dir", DIRECTORY | EXCL, True, "inval"),
    ("f", 1 << 4, True, "inval"),
    ("", 0, True, "noent"),
    ("n" * 256, 0, True, "nametoolong"),
    ("d/" * 2049, 0, True, "nametoolong"),
    ("foo..", CREAT, True, b""),
    ("..foo", CREAT, True, b""),
    ("...", CREAT, True, b""),
]  # fmt: skip
OPENED_LINKS = [
    ("to-f", 0, True, b"at top"),
    ("to-f", 0, False, "loop"),
    ("to-f", CREAT | EXCL, True, "exist"),
    ("to-dir/f", 0, False, b"in dir"),
    ("to-dir-slash/f", 0, False, b"in dir"),
    ("to-dir/../f", 0, False, b"at top"),
    ("to-dir/up", 0, True, b"at top"),
    ("chain", 0, True, b"at top"),
    ("to-nothing", 0, True, "noent"),
    ("to-nothing", CREAT, True, b""),
    ("to-nothing", CREAT, False, "loop"),
    ("to-nothing/f", 0, True, "noent"),
    ("loop", 0, True, "loop"),
    ("loop/f", 0, True, "loop"),
    ("to-f/", 0, True, "notdir"),
    ("to-f", DIRECTORY, True, "notdir"),
    ("to-f-slash", 0, True, "notdir"),
    ("to-f-slash", 0, False, "loop"),
    ("to-absolute", 0, True, "perm"),
    ("to-absolute", 0, False, "loop"),
    ("to-absolute/f", 0, True, "perm"),
    ("to-f/f", 0, True, "notdir"),
]


@pytest.mark.parametrize(
    ("path", "oflags", "follow", "answer"),
    OPENED + [pytest.param(*case, marks=needs_symlinks) for case in OPENED_LINKS],
)
def test_open(guest, tree, path, oflags, follow, answer):
    fd = guest.open(path, oflags, follow=follow)
    assert (fd if isinstance(fd, str) else guest.read(fd)) == answer


OPENED_AS_DIRECTORY = [
    ("dir", 0, True, 3),
    ("dir", DIRECTORY, True, 3),
    ("dir/", 0, True, 3),
    ("dir/.", 0, True, 3),
    (".", 0, True, 7),
    ("./", DIRECTORY, True, 7),
    ("dir/..", 0, True, 7),
    ("dir/sub/..", DIRECTORY, True, 3),
]
OPENED_AS_DIRECTORY_LINKS = [
    ("to-dir", 0, True, 3),
    ("to-dir", DIRECTORY, True, 3),
    ("to-dir/", 0, False, 3),
    ("to-dir/.", 0, False, 3),
    ("to-dir-slash", 0, True, 3),
    ("to-dir", 0, False, "loop"),
    ("to-dir/sub/..", 0, False, 3),
]


@pytest.mark.parametrize(
    ("path", "oflags", "follow", "answer"),
    OPENED_AS_DIRECTORY + [pytest.param(*case, marks=needs_symlinks) for case in OPENED_AS_DIRECTORY_LINKS],
)
def test_open_a_directory(guest, tree, path, oflags, follow, answer):
    fd = guest.open(path, oflags, abi.FD_READDIR, follow=follow)
    if answer == "loop":
        assert fd in ("loop", "notdir")
        return
    assert guest.fdstat(fd)[0] == abi.DIRECTORY
    names = guest.names(fd)
    assert ("sub" in names) == (answer == 3)
    assert ("dir" in names) == (answer == 7)


@pytest.mark.parametrize("oflags", [0, DIRECTORY])
def test_a_directory_cannot_be_opened_for_writing(guest, tree, oflags):
    assert guest.open("dir", oflags, READ_WRITE) == "isdir"


def test_paths_begin_at_the_descriptor(guest, tree):
    fd = guest.open_directory("dir")
    assert guest.read(guest.open("f", fd=fd)) == b"in dir"
    assert guest.open("../f", fd=fd) == "perm"
    assert guest.open("sub/../f", fd=fd) == guest.fdstat(fd)[0] + 3


BAD_PATHS = [
    (b"a\0b", "inval"),
    (b"\0", "inval"),
    (b"f\0", "inval"),
    (b"\xff", "ilseq"),
    (b"caf\xe9", "ilseq"),
    (b"\xed\xa0\x80", "ilseq"),
    (b"/", "perm"),
    (b"/f", "perm"),
    (b"//f", "perm"),
    (b"..", "perm"),
    (b"../root/f", "perm"),
    (b"dir/../../root/f", "perm"),
    (b"", "noent"),
]
BY_PATH = [
    ("path_open", lambda path: (3, 1, path, 0, 0, 0, 0, 512)),
    ("path_filestat_get", lambda path: (3, 0, path, 512)),
    ("path_filestat_set_times", lambda path: (3, 0, path, 0, 0, 5)),
    ("path_create_directory", lambda path: (3, path)),
    ("path_remove_directory", lambda path: (3, path)),
    ("path_unlink_file", lambda path: (3, path)),
    ("path_rename", lambda path: (3, path, 3, "x")),
    ("path_rename", lambda path: (3, "f", 3, path)),
    ("path_link", lambda path: (3, 0, path, 3, "x")),
    ("path_link", lambda path: (3, 0, "f", 3, path)),
    ("path_symlink", lambda path: ("f", 3, path)),
    ("path_readlink", lambda path: (3, path, 512, 10, 1000)),
]


@pytest.mark.parametrize(("path", "answer"), BAD_PATHS)
@pytest.mark.parametrize(("name", "arguments"), BY_PATH)
def test_every_call_refuses_bad_paths(guest, tree, name, arguments, path, answer):
    before = sorted(os.listdir(tree)), sorted(os.listdir(tree.parent))
    assert guest(name, *arguments(path)) == answer
    assert (sorted(os.listdir(tree)), sorted(os.listdir(tree.parent))) == before


@pytest.mark.parametrize("lookup", [2, 3, 0xFFFF_FFFF])
@pytest.mark.parametrize("name", ["path_open", "path_filestat_get", "path_filestat_set_times", "path_link"])
def test_unknown_lookup_flags_are_einval(guest, tree, name, lookup):
    rest = {
        "path_open": (0, 0, 0, 0, 512),
        "path_filestat_get": (512,),
        "path_filestat_set_times": (0, 0, 0),
        "path_link": (3, "x"),
    }[name]
    assert guest(name, 3, lookup, "f", *rest) == "inval"


@needs_symlinks
@pytest.mark.parametrize(
    ("path", "follow", "answer"),
    [
        ("f", True, abi.REGULAR_FILE),
        ("dir", False, abi.DIRECTORY),
        ("dir/", True, abi.DIRECTORY),
        (".", True, abi.DIRECTORY),
        ("dir/..", True, abi.DIRECTORY),
        ("to-f", False, abi.SYMBOLIC_LINK),
        ("to-f", True, abi.REGULAR_FILE),
        ("to-dir", False, abi.SYMBOLIC_LINK),
        ("to-dir/", False, abi.DIRECTORY),
        ("to-dir", True, abi.DIRECTORY),
        ("chain", True, abi.REGULAR_FILE),
        ("to-nothing", False, abi.SYMBOLIC_LINK),
        ("to-nothing", True, "noent"),
        ("loop", True, "loop"),
        ("f/", True, "notdir"),
        ("to-f/", False, "notdir"),
        ("none", True, "noent"),
        ("f/f", True, "notdir"),
    ],
)
def test_stat(guest, tree, path, follow, answer):
    found = guest.stat(path, follow=follow)
    assert (found if isinstance(found, str) else found[2]) == answer
    old = guest.result("path_filestat_get", 3, int(follow), path, layout="<QQB3xIQQQQ", module="wasi_unstable")
    assert old == found


@needs_symlinks
def test_times_of_a_link_are_its_own(guest, tree, directory_way):
    both = abi.ATIM | abi.MTIM
    assert guest("path_filestat_set_times", 3, 1, "to-f", 10**9, 2 * 10**9, both) == "success"
    assert guest.stat("f")[6] == 2 * 10**9
    assert guest.stat("to-f", follow=False)[6] > 3 * 10**9
    if directory_way == "by descriptor":
        assert guest("path_filestat_set_times", 3, 0, "to-f", 10**9, 3 * 10**9, both) == "success"
        assert guest.stat("to-f", follow=False)[6] == 3 * 10**9
    assert guest.stat("f")[6] == 2 * 10**9


@needs_symlinks
@pytest.mark.parametrize(
    ("path", "room", "answer"),
    [
        ("to-f", 100, b"f"),
        ("to-dir/up", 100, b"../f"),
        ("to-nothing", 7, b"nothing"),
        ("to-nothing", 3, b"not"),
        ("to-nothing", 0, b""),
        ("f", 100, "inval"),
        ("dir", 100, "inval"),
        (".", 100, "inval"),
        ("to-dir/", 100, "inval"),
        ("to-f/", 100, "notdir"),
        ("none", 100, "noent"),
    ],
)
def test_readlink(guest, tree, path, room, answer):
    used = guest.result("path_readlink", 3, path, 4096, room)
    assert (used if isinstance(used, str) else guest.memory.read(4096, used)) == answer


# (call, arguments) → answer, and what is there (True) or not (False) afterwards.
CHANGES = [
    ("path_create_directory", (3, "new"), "success", {"new": True}),
    ("path_create_directory", (3, "new/"), "success", {"new": True}),
    ("path_create_directory", (3, "dir/new"), "success", {"dir/new": True}),
    ("path_create_directory", (3, "dir"), "exist", {}),
    ("path_create_directory", (3, "f"), "exist", {}),
    ("path_create_directory", (3, "."), "exist", {}),
    ("path_create_directory", (3, "dir/.."), "exist", {}),
    ("path_create_directory", (3, "none/new"), "noent", {}),
    ("path_create_directory", (3, "f/new"), "notdir", {}),
    ("path_remove_directory", (3, "dir/sub"), "success", {"dir/sub": False}),
    ("path_remove_directory", (3, "dir/sub/"), "success", {"dir/sub": False}),
    ("path_remove_directory", (3, "dir"), "notempty", {"dir/f": True}),
    ("path_remove_directory", (3, "f"), "notdir", {"f": True}),
    ("path_remove_directory", (3, "f/"), "notdir", {"f": True}),
    ("path_remove_directory", (3, "."), "inval", {}),
    ("path_remove_directory", (3, "none"), "noent", {}),
    ("path_unlink_file", (3, "f"), "success", {"f": False}),
    ("path_unlink_file", (3, "dir/f"), "success", {"dir/f": False}),
    ("path_unlink_file", (3, "f/"), "notdir", {"f": True}),
    ("path_unlink_file", (3, "dir"), "isdir", {"dir": True}),
    ("path_unlink_file", (3, "dir/"), "isdir", {"dir": True}),
    ("path_unlink_file", (3, "."), "isdir", {}),
    ("path_unlink_file", (3, "none"), "noent", {}),
    ("path_unlink_file", (3, "none/"), "noent", {}),
    ("path_rename", (3, "f", 3, "g"), "success", {"f": False, "g": True}),
    ("path_rename", (3, "f", 3, "dir/f"), "success", {"f": False, "dir/f": True}),
    ("path_rename", (3, "f", 3, "f"), "success", {"f": True}),
    ("path_rename", (3, "dir", 3, "d"), "success", {"dir": False, "d/f": True}),
    ("path_rename", (3, "dir/", 3, "d"), "success", {"dir": False, "d/f": True}),
    ("path_rename", (3, "dir", 3, "d/"), "success", {"dir": False, "d/f": True}),
    ("path_rename", (3, "none", 3, "g"), "noent", {"g": False}),
    ("path_rename", (3, "f", 3, "none/g"), "noent", {"f": True}),
    ("path_rename", (3, "f/", 3, "g"), "notdir", {"f": True}),
    ("path_rename", (3, "f", 3, "g/"), "notdir", {"f": True}),
    ("path_rename", (3, ".", 3, "g"), "busy", {}),
    ("path_rename", (3, "dir", 3, "."), "busy", {"dir": True}),
    ("path_rename", (3, "dir", 3, "dir/sub/d"), "inval", {"dir": True}),
    ("path_link", (3, 0, "f", 3, "g"), "success", {"f": True, "g": True}),
    ("path_link", (3, 0, "f", 3, "dir/g"), "success", {"f": True, "dir/g": True}),
    ("path_link", (3, 0, "f", 3, "dir/f"), "exist", {}),
    ("path_link", (3, 0, "f", 3, "f"), "exist", {}),
    ("path_link", (3, 0, "f", 3, "."), "exist", {}),
    ("path_link", (3, 0, "none", 3, "g"), "noent", {"g": False}),
    ("path_link", (3, 0, "f", 3, "g/"), "noent", {"g": False}),
    ("path_link", (3, 0, "f/", 3, "g"), "notdir", {"g": False}),
    ("path_link", (3, 0, "dir", 3, "g"), "perm", {"g": False}),
    ("path_link", (3, 1, "f", 3, "g"), "inval", {"g": False}),
]
CHANGES_UNIX = [  # Windows says something else
    ("path_rename", (3, "f", 3, "dir"), "isdir", {"f": True}),
    ("path_rename", (3, "dir/sub", 3, "f"), "notdir", {"f": True}),
    ("path_rename", (3, "dir/sub", 3, "dir"), "notempty", {"dir/sub": True}),
    ("path_symlink", ("f", 3, "l"), "success", {"l": True}),
    ("path_symlink", ("none/../x", 3, "dir/l"), "success", {}),
    ("path_symlink", ("../../..", 3, "l"), "success", {}),
    ("path_symlink", ("x", 3, "f"), "exist", {}),
    ("path_symlink", ("x", 3, "dir/"), "exist", {}),
    ("path_symlink", ("x", 3, "f/"), "exist", {}),
    ("path_symlink", ("x", 3, "."), "exist", {}),
    ("path_symlink", ("x", 3, "l/"), "noent", {"l": False}),
    ("path_symlink", ("/", 3, "l"), "perm", {"l": False}),
    ("path_symlink", ("/etc/passwd", 3, "l"), "perm", {"l": False}),
    ("path_symlink", ("", 3, "l"), "noent", {"l": False}),
    ("path_symlink", (b"a\0b", 3, "l"), "inval", {"l": False}),
    ("path_symlink", (b"\xff", 3, "l"), "ilseq", {"l": False}),
    ("path_unlink_file", (3, "to-dir"), "success", {"to-dir": False, "dir": True}),
    ("path_unlink_file", (3, "to-nothing"), "success", {}),
    ("path_unlink_file", (3, "to-dir/f"), "success", {"dir/f": False}),
    ("path_remove_directory", (3, "to-dir"), "notdir", {"dir": True}),
    ("path_remove_directory", (3, "to-dir/"), "notdir", {"dir": True}),
    ("path_create_directory", (3, "to-nothing"), "exist", {"nothing": False}),
    ("path_create_directory", (3, "to-nothing/"), "exist", {"nothing": False}),
    ("path_rename", (3, "to-dir", 3, "l"), "success", {"l/f": True, "dir": True}),
    ("path_rename", (3, "to-dir/", 3, "l"), "notdir", {"dir": True}),
    ("path_rename", (3, "dir", 3, "to-nothing/"), "notdir", {"dir": True, "nothing": False}),
    ("path_rename", (3, "f", 3, "to-dir"), "success", {"to-dir": True, "f": False, "dir": True}),
]


@pytest.mark.parametrize(
    ("name", "arguments", "answer", "there"),
    CHANGES + [pytest.param(*case, marks=needs_symlinks) for case in CHANGES_UNIX],
    ids=str,
)
def test_changes(guest, tree, directory_way, name, arguments, answer, there):
    said = guest(name, *arguments)
    if answer == "success" or directory_way == "by descriptor":
        assert said == answer
    else:
        assert said != "success"
    for path, exists in there.items():
        assert (tree / path).exists() == exists


@needs_symlinks
def test_a_link_can_be_linked(new_guest, tree):
    guest = new_guest(dirs={"/": tree})
    assert guest("path_link", 3, 0, "to-nothing", 3, "l") == "success"
    assert os.readlink(tree / "l") == "nothing"


def test_rename_and_link_between_two_directories(new_guest, tmp_path, directory_way):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    guest = new_guest(dirs={"a": tmp_path / "a", "b": tmp_path / "b"})
    guest.create("f", b"data", fd=3)
    assert guest("path_link", 3, 0, "f", 4, "linked") == "success"
    assert guest("path_rename", 3, "f", 4, "moved") == "success"
    assert sorted(os.listdir(tmp_path / "b")) == ["linked", "moved"]
    assert os.listdir(tmp_path / "a") == []


# ------------------------------------------------------------------------------- rights, read-only


@pytest.mark.parametrize(
    ("right", "name", "arguments"),
    [
        (abi.PATH_OPEN, "path_open", (3, 0, "f", 0, 0, 0, 0, 512)),
        (abi.PATH_CREATE_FILE, "path_open", (3, 0, "new", CREAT, 0, 0, 0, 512)),
        (abi.PATH_FILESTAT_SET_SIZE, "path_open", (3, 0, "f", TRUNC, 0, 0, 0, 512)),
        (abi.PATH_CREATE_DIRECTORY, "path_create_directory", (3, "new")),
        (abi.PATH_REMOVE_DIRECTORY, "path_remove_directory", (3, "dir/sub")),
        (abi.PATH_UNLINK_FILE, "path_unlink_file", (3, "f")),
        (abi.PATH_RENAME_SOURCE, "path_rename", (3, "f", 4, "g")),
        (abi.PATH_RENAME_TARGET, "path_rename", (4, "f", 3, "g")),
        (abi.PATH_LINK_SOURCE, "path_link", (3, 0, "f", 4, "g")),
        (abi.PATH_LINK_TARGET, "path_link", (4, 0, "f", 3, "g")),
        (abi.PATH_FILESTAT_GET, "path_filestat_get", (3, 0, "f", 512)),
        (abi.PATH_FILESTAT_SET_TIMES, "path_filestat_set_times", (3, 0, "f", 0, 0, 0)),
        (abi.FD_READDIR, "fd_readdir", (3, 4096, 100, 0, 512)),
        pytest.param(abi.PATH_SYMLINK, "path_symlink", ("f", 3, "g"), marks=needs_symlinks),
        pytest.param(abi.PATH_READLINK, "path_readlink", (3, "to-f", 4096, 9, 512), marks=needs_symlinks),
    ],
)
def test_each_right_of_a_directory_is_missed(guest, tree, right, name, arguments):
    assert guest.open_directory(".") == 4
    _, _, rights, inheriting = guest.fdstat(3)
    assert guest("fd_fdstat_set_rights", 3, rights & ~right, inheriting) == "success"
    assert guest(name, *arguments) == "notcapable"
    again = [4 if argument == 3 else argument for argument in arguments]
    assert guest(name, *again) == "success"


def test_descriptors_get_no_right_their_directory_does_not_pass_on(guest, tree):
    _, _, rights, inheriting = guest.fdstat(3)
    assert inheriting == abi.ALL_RIGHTS
    fd = guest.open("dir", DIRECTORY, rights, inheriting=abi.FD_READ)
    assert guest.fdstat(fd)[2:] == (rights, abi.FD_READ)
    below = guest.open("sub", DIRECTORY, abi.FD_READ, fd=fd, inheriting=abi.ALL_RIGHTS)
    assert guest.fdstat(below)[2:] == (0, abi.FD_READ)
    assert guest("fd_close", below) == "success"
    assert guest.open("f", 0, abi.FD_READ, fd=fd) == 5
    assert guest.open("f", 0, READ_WRITE, fd=fd) == "notcapable"
    assert guest.open("new", CREAT, abi.FD_WRITE, fd=fd) == "notcapable"


@pytest.mark.parametrize("bits", [1 << 30, 1 << 63, (1 << 64) - 1])
def test_unknown_rights_are_left_out(guest, tree, bits):
    fd = guest.open("f", 0, bits)
    _, _, rights, inheriting = guest.fdstat(fd)
    assert rights & ~abi.FILE_RIGHTS == 0
    assert inheriting == 0


def written(tree):
    """What is known of all below, but for when it was read: looking for it reads directories."""
    found = {path: path.lstat() for path in tree.rglob("*")}
    return {path: (status[:7], status.st_mtime_ns, status.st_ctime_ns) for path, status in found.items()}


WRITING = [case for case in CHANGES if case[2] == "success"]


@pytest.mark.parametrize(("name", "arguments"), [case[:2] for case in WRITING], ids=str)
def test_nothing_in_a_read_only_directory_changes(new_guest, tree, directory_way, name, arguments):
    guest = new_guest(dirs={"/": ReadOnly(tree)})
    before = written(tree)
    assert guest(name, *arguments) == "rofs"
    assert written(tree) == before


@pytest.mark.parametrize(
    ("oflags", "rights", "answer"),
    [
        (0, abi.FD_READ, b"at top"),
        (0, abi.FD_READ | abi.FD_FILESTAT_SET_TIMES | abi.PATH_CREATE_FILE, b"at top"),
        (0, READ_WRITE, "rofs"),
        (0, abi.FD_WRITE, "rofs"),
        (0, abi.FD_ALLOCATE, "rofs"),
        (0, abi.FD_FILESTAT_SET_SIZE, "rofs"),
        (CREAT, abi.FD_READ, "rofs"),
        (TRUNC, abi.FD_READ, "rofs"),
    ],
)
def test_files_of_a_read_only_directory_are_only_read(new_guest, tree, oflags, rights, answer):
    guest = new_guest(dirs={"/": ReadOnly(tree)})
    fd = guest.open("f", oflags, rights)
    assert (fd if isinstance(fd, str) else guest.read(fd)) == answer
    if isinstance(fd, int):
        assert guest.write(fd, b"x") == "badf"
        assert guest("fd_filestat_set_times", fd, 0, 0, 5) == "notcapable"
        assert guest("fd_filestat_set_size", fd, 0) == "inval"
    assert (tree / "f").read_bytes() == b"at top"


def test_what_is_below_a_read_only_directory_is_read_only(new_guest, tree):
    guest = new_guest(dirs={"/": ReadOnly(tree), "/rw": tree})
    fd = guest.open_directory("dir")
    assert fd == 5
    assert guest.open("f", 0, READ_WRITE, fd=fd) == "rofs"
    assert guest("path_unlink_file", fd, "f") == "rofs"
    assert guest("fd_filestat_set_times", fd, 0, 0, 5) == "rofs"
    assert guest("path_link", 3, 0, "f", 4, "linked") == "rofs"
    assert guest("path_rename", 3, "f", 4, "moved") == "rofs"
    assert guest("path_rename", 4, "f", 3, "moved") == "rofs"
    assert guest("path_rename", 4, "f", 4, "moved") == "success"


def test_an_open_directory_is_another_after_its_name_is(guest, tree):
    """A descriptor stays with its directory; by path it cannot, but never leaves the root."""
    fd = guest.open_directory("dir")
    assert guest("path_rename", 3, "dir", 3, "moved") == "success"
    assert guest.open("f", fd=fd) in (5, "noent")


def test_names_are_unicode(guest, root):
    guest.create("grüße 世界", b"x")
    assert (root / "grüße 世界").read_bytes() == b"x"
    assert guest.stat("grüße 世界")[4] == 1


def test_a_failing_open_leaves_nothing_open(guest, tree, host_descriptors):
    before = host_descriptors()
    for path in ("none", "dir/sub/none", "f/x", "dir/../..", "to-dir/sub/../../../x", "loop/x"):
        assert isinstance(guest.open(path), str)
    assert host_descriptors() == before


@pytest.mark.parametrize(
    "name",
    ["NUL", "nul", "con.txt", "Aux .c", "COM1", "lpt9.x", "CONIN$", "f.", "f ", "f:stream", "C:f",
     "dir\\f", "..\\outside\\secret", "f?", "f*", "f\x01", '"f"', "a|b", "<f>"],
)  # fmt: skip
def test_names_that_mean_something_else_on_windows_are_not_there(new_guest, tree, monkeypatch, name):
    monkeypatch.setattr(directories, "WINDOWS", True)
    monkeypatch.setattr(directories.open_directory, "__defaults__", (False,))
    guest = new_guest(dirs={"/": tree})
    for path in (name, "dir/" + name, name + "/f"):
        assert guest.open(path, CREAT, READ_WRITE) == "noent"
        assert guest("path_create_directory", 3, path) == "noent"
        assert guest("path_rename", 3, "f", 3, path) == "noent"
        assert guest("path_unlink_file", 3, path) == "noent"
    assert guest.read(guest.open("f")) == b"at top"
