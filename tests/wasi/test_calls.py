"""The imports: names, types, and what a guest is told when it does something wrong."""

import pytest

from wasmcy.errors import Exit
from wasmcy.wasi import INHERIT, Wasi
from wasmcy.wasi.abi import FD_READ, FD_WRITE

# Every function of the specification and its type.
SIGNATURES = """
args_get                 i32 i32 -> i32
args_sizes_get           i32 i32 -> i32
environ_get              i32 i32 -> i32
environ_sizes_get        i32 i32 -> i32
clock_res_get            i32 i32 -> i32
clock_time_get           i32 i64 i32 -> i32
fd_advise                i32 i64 i64 i32 -> i32
fd_allocate              i32 i64 i64 -> i32
fd_close                 i32 -> i32
fd_datasync              i32 -> i32
fd_fdstat_get            i32 i32 -> i32
fd_fdstat_set_flags      i32 i32 -> i32
fd_fdstat_set_rights     i32 i64 i64 -> i32
fd_filestat_get          i32 i32 -> i32
fd_filestat_set_size     i32 i64 -> i32
fd_filestat_set_times    i32 i64 i64 i32 -> i32
fd_pread                 i32 i32 i32 i64 i32 -> i32
fd_prestat_get           i32 i32 -> i32
fd_prestat_dir_name      i32 i32 i32 -> i32
fd_pwrite                i32 i32 i32 i64 i32 -> i32
fd_read                  i32 i32 i32 i32 -> i32
fd_readdir               i32 i32 i32 i64 i32 -> i32
fd_renumber              i32 i32 -> i32
fd_seek                  i32 i64 i32 i32 -> i32
fd_sync                  i32 -> i32
fd_tell                  i32 i32 -> i32
fd_write                 i32 i32 i32 i32 -> i32
path_create_directory    i32 i32 i32 -> i32
path_filestat_get        i32 i32 i32 i32 i32 -> i32
path_filestat_set_times  i32 i32 i32 i32 i64 i64 i32 -> i32
path_link                i32 i32 i32 i32 i32 i32 i32 -> i32
path_open                i32 i32 i32 i32 i32 i64 i64 i32 i32 -> i32
path_readlink            i32 i32 i32 i32 i32 i32 -> i32
path_remove_directory    i32 i32 i32 -> i32
path_rename              i32 i32 i32 i32 i32 i32 -> i32
path_symlink             i32 i32 i32 i32 i32 -> i32
path_unlink_file         i32 i32 i32 -> i32
poll_oneoff              i32 i32 i32 i32 -> i32
proc_exit                i32 ->
proc_raise               i32 -> i32
sched_yield              -> i32
random_get               i32 i32 -> i32
sock_accept              i32 i32 i32 -> i32
sock_recv                i32 i32 i32 i32 i32 i32 -> i32
sock_send                i32 i32 i32 i32 i32 -> i32
sock_shutdown            i32 i32 -> i32
"""
WANTED = dict(line.split(maxsplit=1) for line in SIGNATURES.strip().splitlines())


def test_every_function_of_the_specification_is_there_with_its_type():
    found = Wasi().imports()["wasi_snapshot_preview1"]
    assert {name: function.signature for name, function in found.items()} == WANTED


def test_preview_0_has_the_same_functions_but_sock_accept():
    found = Wasi().imports()["wasi_unstable"]
    wanted = {name: kind for name, kind in WANTED.items() if name != "sock_accept"}
    assert {name: function.signature for name, function in found.items()} == wanted


def test_every_function_takes_the_calling_instance_and_is_documented():
    for functions in Wasi().imports().values():
        for name, function in functions.items():
            assert function.wants_caller
            assert function.__name__ == name
            assert function.__doc__


BEYOND = 1 << 18  # the end of the guest's memory
FAR = 0xFFFF_FFFF

# Calls that are right but for an address: just beyond the memory, or at its end.
BAD_ADDRESSES = [
    ("args_get", BEYOND, 0),
    ("args_get", 0, BEYOND - 1),
    ("args_sizes_get", FAR, 0),
    ("args_sizes_get", 0, FAR),
    ("environ_get", FAR, 0),
    ("environ_sizes_get", 0, BEYOND - 3),
    ("clock_res_get", 0, BEYOND - 7),
    ("clock_time_get", 0, 0, FAR),
    ("fd_fdstat_get", 3, BEYOND - 23),
    ("fd_filestat_get", 3, BEYOND - 63),
    ("fd_filestat_get", 4, FAR),
    ("fd_prestat_get", 3, BEYOND - 7),
    ("fd_prestat_dir_name", 3, FAR, 8),
    ("fd_pread", 4, FAR, 1, 0, 0),
    ("fd_pread", 4, 64, 1, 0, 0),
    ("fd_pwrite", 4, 64, 1, 0, 0),
    ("fd_read", 4, BEYOND - 7, 1, 0),
    ("fd_read", 4, 64, 1, 0),
    ("fd_read", 4, 72, 1, 0),
    ("fd_read", 0, 64, 1, 0),
    ("fd_write", 4, 64, 1, 0),
    ("fd_write", 4, 72, 1, 0),
    ("fd_write", 1, 64, 1, 0),
    ("fd_write", 1, 0, 0, FAR),
    ("fd_readdir", 3, FAR, 100, 0, 0),
    ("fd_readdir", 3, 0, 100, 0, FAR),
    ("fd_seek", 4, 0, 0, BEYOND - 7),
    ("fd_tell", 4, FAR),
    ("path_create_directory", 3, FAR, 4),
    ("path_filestat_get", 3, 0, BEYOND - 3, 4, 0),
    ("path_filestat_get", 3, 0, 80, 1, BEYOND - 63),
    ("path_open", 3, 0, FAR, 1, 0, 0, 0, 0, 0),
    ("path_open", 3, 0, 80, 1, 0, 0, 0, 0, BEYOND - 3),
    ("path_readlink", 3, FAR, 1, 0, 0, 0),
    ("path_rename", 3, 80, 1, 3, FAR, 1),
    ("path_symlink", FAR, 1, 3, 80, 1),
    ("poll_oneoff", BEYOND - 47, 0, 1, 0),
    ("poll_oneoff", FAR, 0, 4096, 0),
    ("random_get", BEYOND - 7, 8),
    ("random_get", 0, FAR),
    ("random_get", FAR, 1 << 17),
]


@pytest.mark.parametrize("call", BAD_ADDRESSES, ids=str)
def test_an_address_outside_the_memory_is_efault(new_guest, root, host_descriptors, call):
    (root / "f").write_bytes(b"data")
    guest = new_guest(args=["a"], env={"A": "b"}, dirs={"/": root}, clock=INHERIT, random=INHERIT, stdin=b"x")
    assert guest.open("f", rights=FD_READ | FD_WRITE) == 4
    guest.memory[64:72] = (BEYOND - 1).to_bytes(4, "little") + (2).to_bytes(4, "little")
    guest.memory[72:80] = (1).to_bytes(4, "little") + FAR.to_bytes(4, "little")
    guest.memory[80:81] = b"f"
    before = host_descriptors()
    assert guest(*call) == "fault"
    assert host_descriptors() == before
    assert guest.open("f") == 5


@pytest.mark.parametrize("name", sorted(WANTED))
@pytest.mark.parametrize("value", [0, 1, 3, 77, 0x7FFF_FFFF, 0xFFFF_FFFF, 1 << 31])
def test_no_arguments_raise_anything_but_exit(new_guest, root, name, value):
    guest = new_guest(dirs={"/": root}, clock=lambda clock: 0, random=0)
    kinds = WANTED[name].split("->")[0].split()
    for other in (0, value, 3):
        arguments = [value, *[other] * len(kinds)][: len(kinds)]
        try:
            assert 0 <= guest.raw(name, *arguments) < 77
        except Exit:
            assert name in ("proc_exit", "proc_raise")


def test_an_instance_without_memory_gets_efault_where_one_is_needed():
    class Caller:
        memory = None
        suspendable = False

        def time_left(self):
            return None

    functions = Wasi(args=["a"]).imports()["wasi_snapshot_preview1"]
    assert functions["args_sizes_get"](Caller(), 0, 4) == 21
    assert functions["sched_yield"](Caller()) == 0


def test_a_closed_wasi_has_no_descriptors(new_guest, root, host_descriptors):
    before = host_descriptors()
    guest = new_guest(dirs={"/": root})
    (root / "f").write_bytes(b"")
    for _ in range(10):
        guest.open("f")
    guest.wasi.close()
    assert guest("fd_close", 3) == "badf"
    assert guest.write(1, b"x") == "badf"
    assert host_descriptors() == before


def test_deleting_a_wasi_closes_its_files(root, host_descriptors):
    before = host_descriptors()
    wasi = Wasi(dirs={"/": root})
    functions = wasi.imports()
    assert host_descriptors() >= before
    del wasi, functions
    assert host_descriptors() == before


def test_a_directory_that_is_not_there_raises_and_leaves_nothing_open(root, host_descriptors):
    before = host_descriptors()
    with pytest.raises(FileNotFoundError):
        Wasi(dirs={"/": root, "/none": root / "none"})
    assert host_descriptors() == before


@pytest.mark.parametrize(
    ("granted", "error"),
    [
        ({"args": ["a\0b"]}, ValueError),
        ({"args": "one string"}, TypeError),
        ({"env": {"A": "b\0"}}, ValueError),
        ({"env": {"A=B": "c"}}, ValueError),
        ({"env": {"": "c"}}, ValueError),
        ({"stdin": 5}, TypeError),
        ({"stdin": "text"}, TypeError),
        ({"stdout": b"bytes"}, TypeError),
        ({"stderr": 2}, TypeError),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(granted, error):
    with pytest.raises(error):
        Wasi(**granted)
