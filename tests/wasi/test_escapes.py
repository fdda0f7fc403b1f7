"""Ways out of a directory, each refused; what lies outside is never read, changed or told."""

import os
import sys
import threading
import time

import pytest

from wasmcy.wasi import abi

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")

READ_WRITE = abi.FD_READ | abi.FD_WRITE


@pytest.fixture
def traps(root, tmp_path):
    """Links of every kind to "outside", and a directory to go through."""
    outside = tmp_path / "outside"
    (root / "dir" / "deep").mkdir(parents=True)
    links = {
        "up": "..",
        "up-slash": "../",
        "out": "../outside",
        "out-file": "../outside/secret",
        "new-file": "../outside/new",
        "absolute": str(outside),
        "absolute-file": str(outside / "secret"),
        "slash": "/",
        "dir/up-up": "../..",
        "dir/out": "../../outside",
        "dir/deep/out": "../../../outside/secret",
        "via": "dir/up-up/outside/secret",
        "via-dots": "dir/../../outside/secret",
        "chain1": "chain2",
        "chain2": "dir/chain3",
        "dir/chain3": "../out-file",
        "self": "./self/../../outside/secret",
        "home": "../root/../outside",
        "proc": "/proc/self/root",
        "fd": "/dev/fd/3",
    }
    for name, target in links.items():
        (root / name).symlink_to(target)
    return root


OUT = [
    "../outside/secret",
    "dir/../../outside/secret",
    "dir/deep/../../../outside/secret",
    "./../outside/secret",
    "dir/./../.././outside/secret",
    "//../outside/secret",
    "up/outside/secret",
    "up-slash/outside/secret",
    "up/../outside/secret",
    "out/secret",
    "out-file",
    "absolute/secret",
    "absolute-file",
    "slash/etc/passwd",
    "dir/up-up/outside/secret",
    "dir/out/secret",
    "dir/deep/out",
    "dir/deep/../deep/out",
    "via",
    "via-dots",
    "chain1",
    "chain2",
    "self",
    "home/secret",
    "proc/etc/passwd",
    "fd/../outside/secret",
    "/etc/passwd",
    "/proc/self/root/etc/passwd",
    "\\..\\outside\\secret",
    "..\\outside\\secret",
    "....//outside/secret",
    "%2e%2e/outside/secret",
]
REFUSED = {"perm", "noent", "loop", "notdir", "isdir", "exist", "inval"}


@pytest.mark.parametrize("oflags", [0, abi.O_CREAT, abi.O_TRUNC, abi.O_CREAT | abi.O_EXCL])
def test_no_path_opens_what_is_outside(guest, traps, tmp_path, oflags):
    for path in OUT:
        fd = guest.open(path, oflags, READ_WRITE)
        if isinstance(fd, int):  # a name that only looks like a way out
            assert "\\" in path, path
            assert guest.stat(path)[4] == 0
        else:
            assert fd in REFUSED, path
        assert os.listdir(tmp_path / "outside") == ["secret"], path
        assert (tmp_path / "outside" / "secret").read_bytes() == b"secret", path


# A call that would change or tell what is outside, if the path led there.
BY_PATH = [
    ("path_filestat_get", lambda path: (3, 1, path, 512)),
    ("path_filestat_set_times", lambda path: (3, 1, path, 1, 1, 5)),
    ("path_create_directory", lambda path: (3, path + "/new")),
    ("path_remove_directory", lambda path: (3, path.removesuffix("/secret") + "/")),
    ("path_unlink_file", lambda path: (3, path + "/")),
    ("path_rename", lambda path: (3, path + "/x", 3, "x")),
    ("path_rename", lambda path: (3, "dir", 3, path + "/x")),
    ("path_link", lambda path: (3, 0, path + "/x", 3, "x")),
    ("path_link", lambda path: (3, 0, "dir/deep", 3, path + "/x")),
    ("path_symlink", lambda path: ("x", 3, path + "/x")),
    ("path_readlink", lambda path: (3, path + "/", 512, 9, 64)),
    ("path_open", lambda path: (3, 0, path + "/", abi.O_DIRECTORY, 0, 0, 0, 512)),
]
# The same without a "/": links themselves may be changed, what they point at may not.
ON_ENTRIES = [
    ("path_create_directory", lambda path: (3, path + "-new")),
    ("path_rename", lambda path: (3, path, 3, "x")),
    ("path_link", lambda path: (3, 0, path, 3, "x")),
    ("path_unlink_file", lambda path: (3, path)),
    ("path_symlink", lambda path: ("x", 3, path)),
]


@pytest.mark.parametrize(("name", "arguments"), BY_PATH + ON_ENTRIES)
def test_no_call_reaches_what_is_outside(guest, traps, tmp_path, name, arguments):
    secret = tmp_path / "outside" / "secret"
    before = secret.stat()
    for path in OUT:
        said = guest(name, *arguments(path))
        if (name, arguments) in BY_PATH and "\\" not in path:
            assert said in REFUSED, path
        after = secret.stat()
        assert (after.st_nlink, after.st_mtime_ns) == (before.st_nlink, before.st_mtime_ns), path
        assert os.listdir(tmp_path / "outside") == ["secret"], path
        assert sorted(os.listdir(tmp_path)) == ["outside", "root"], path


def test_links_a_guest_makes_lead_nowhere_else(guest, root):
    guest("path_create_directory", 3, "a")
    guest("path_create_directory", 3, "a/b")
    assert guest("path_symlink", "../../outside/secret", 3, "a/b/l") == "success"
    assert guest.open("a/b/l") == "noent"  # from there it would be root/outside
    assert guest("path_rename", 3, "a/b/l", 3, "l") == "success"
    assert guest.open("l") == "perm"
    assert guest("path_rename", 3, "l", 3, "a/l") == "success"
    assert guest.open("a/l") == "perm"


def test_a_hard_link_to_a_link_leads_nowhere_else(new_guest, traps):
    guest = new_guest(dirs={"/": traps})
    assert guest("path_link", 3, 0, "out-file", 3, "dir/hard") == "success"
    assert guest.open("dir/hard") == "noent"
    assert guest("path_link", 3, 0, "out", 3, "hard") == "success"
    assert guest.open("hard/secret") == "perm"


def test_a_directory_opened_by_a_guest_is_the_root_of_its_paths(guest, traps):
    fd = guest.open_directory("dir/deep")
    for path in ("..", "../deep", "../../dir", "out"):
        assert guest.open(path, fd=fd) == "perm"
    assert guest("path_rename", fd, "..", fd, "x") == "perm"
    assert guest("path_remove_directory", fd, "..") == "perm"


def test_the_root_itself_stays(guest, root):
    assert guest("path_remove_directory", 3, ".") == "inval"
    assert guest("path_create_directory", 3, "a") == "success"
    assert guest("path_remove_directory", 3, "a/..") == "inval"
    assert guest("path_rename", 3, "a/..", 3, "a/b") == "busy"
    assert guest("path_unlink_file", 3, "a/..") == "isdir"
    assert root.is_dir()


def test_readdir_tells_nothing_of_the_parent(guest, root, tmp_path):
    used = guest.result("fd_readdir", 3, 4096, 4096, 0)
    entries = guest.memory.read(4096, used)
    assert (tmp_path.stat().st_ino).to_bytes(8, "little") not in entries


def test_a_directory_swapped_for_a_link_meanwhile_does_not_lead_out(new_guest, root, tmp_path):
    """Another thread swaps a directory and a link to "outside" as fast as it can."""
    guest = new_guest(dirs={"/": root})
    (root / "x").mkdir()
    (root / "x" / "secret").write_bytes(b"inside")
    (root / "l").symlink_to("../outside")
    stop = threading.Event()

    def swap():
        while not stop.is_set():
            os.rename(root / "x", root / "y")
            os.rename(root / "l", root / "x")
            os.rename(root / "x", root / "l")
            os.rename(root / "y", root / "x")

    thread = threading.Thread(target=swap)
    thread.start()
    seen = set()
    tries, end = 0, time.monotonic() + 60
    try:
        while tries < 3000 or (b"inside" not in seen and time.monotonic() < end):
            tries += 1
            fd = guest.open("x/secret")
            if isinstance(fd, int):
                seen.add(guest.read(fd))
                guest("fd_close", fd)
            else:
                seen.add(fd)
    finally:
        stop.set()
        thread.join()
    assert seen <= {b"inside", "noent", "perm", "notdir", "loop"}
    assert b"inside" in seen
