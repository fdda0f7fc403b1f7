"""Whatever integers a guest passes, a call answers with an error code, and nothing else happens."""

import os
import random
import socket
import time

import pytest

import wasmcy
from wasmcy.errors import Exit
from wasmcy.wasi import INHERIT, abi

EDGES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 16, 63, 255, 512, 1 << 12, 1 << 16, (1 << 18) - 8, (1 << 18) - 1, 1 << 18,
         (1 << 31) - 1, 1 << 31, (1 << 32) - 8, (1 << 32) - 1]  # fmt: skip
LONG_EDGES = [*EDGES, 1 << 32, 1 << 62, (1 << 63) - 1, 1 << 63, (1 << 64) - 1]
NAMES = [b"f", b"d", b"d/e", b"..", b"../outside/secret", b"/etc/passwd", b"l", b"new", b"d/", b".", b"\xff", b"a\0b"]


def prepare(guest, chance):
    """Fills memory with names, buffers and subscriptions, so that some calls get further than their first check."""
    at = 0
    while at < 4096:
        name = chance.choice(NAMES)
        guest.memory[at : at + len(name)] = name
        at += 16
    for at in range(4096, 8192, 8):
        guest.memory[at : at + 4] = chance.choice(EDGES).to_bytes(4, "little")
        guest.memory[at + 4 : at + 8] = chance.randrange(16).to_bytes(4, "little")


@pytest.mark.parametrize("module", ["wasi_snapshot_preview1", "wasi_unstable"])
@pytest.mark.parametrize("seed", range(8))
def test_random_arguments(new_guest, root, tmp_path, host_descriptors, seed, module):
    chance = random.Random(seed)
    (root / "d").mkdir()
    (root / "f").write_bytes(b"content")
    if os.name == "posix":
        (root / "l").symlink_to("../outside")
    before = host_descriptors()
    ours, theirs = socket.socketpair()
    with ours, theirs, socket.create_server(("127.0.0.1", 0)) as server:
        dirs = {"/": root, "/ro": wasmcy.ReadOnly(root), "/m": {"f": b"1", "d/e": b"2"}}
        guest = new_guest(dirs=dirs, sockets=[server, theirs], stdin=b"input", clock=INHERIT, random=1, buffer="1MiB")
        functions = guest.functions[module]
        for _ in range(100):
            prepare(guest, chance)
            name = chance.choice(sorted(functions))
            kinds = functions[name].signature.split("->")[0].split()
            arguments = [
                chance.choice(EDGES if kind == "i32" else LONG_EDGES)
                if chance.random() < 0.6
                else chance.randrange(16 if chance.random() < 0.5 else 1 << 13)
                for kind in kinds
            ]
            end = time.monotonic() + 0.01
            guest.time_left = lambda end=end: max(end - time.monotonic(), 0.0)
            try:
                code = guest.raw(name, *arguments, module=module)
            except Exit:
                assert name in ("proc_exit", "proc_raise")
            else:
                assert code in range(len(abi.ERRNO_NAMES)), (name, arguments)
        guest.wasi.close()
    assert host_descriptors() == before
    assert (tmp_path / "outside" / "secret").read_bytes() == b"secret"
    assert sorted(os.listdir(tmp_path)) == ["outside", "root"]
