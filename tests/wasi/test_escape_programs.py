"""A guest in C that tries every way out of its directories (escapes.c); what lies outside is never touched or told."""

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import wasmcy

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")

SOURCE = Path(__file__).with_name("escapes.c")
NAMES = re.findall(r"^(?:ATTEMPT|OPENS|RACE)\((\w+)", SOURCE.read_text(), re.M)
RACES = ["race_" + name for name in re.findall(r"^RACE\((\w+)", SOURCE.read_text(), re.M)]
ATTEMPTS = [name for name in NAMES if "race_" + name not in RACES and name != "race_##name"]

LINKS = {
    "up": "..",
    "up-slash": "../",
    "out": "../outside",
    "out-file": "../outside/secret",
    "out-new": "../outside/new",
    "out-empty": "../outside/empty",
    "absolute": "{outside}",
    "absolute-file": "{outside}/secret",
    "slash": "/",
    "proc": "/proc/self/root",
    "fd": "/dev/fd/3",
    "dir/up-up": "../..",
    "chain1": "chain2",
    "chain2": "dir/chain3",
    "dir/chain3": "../out-file",
    "self": "./self/../../outside/secret",
    "home": "../root/../outside",
    "loop": "loop",
}


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    out = tmp_path_factory.mktemp("escapes") / "escapes.wasm"
    flags = ["-target", "wasm32-freestanding", "-O1", "-nostdlib", "-Wl,--no-entry", "-Wl,--export-memory"]
    compiler = [sys.executable, "-m", "ziglang", "cc", *flags]
    subprocess.run([*compiler, SOURCE, "-o", out], check=True)
    return wasmcy.Module(out.read_bytes())


@pytest.fixture
def place(tmp_path):
    """The directories of a guest, and what lies beside them."""
    outside, root, kept = tmp_path / "outside", tmp_path / "root", tmp_path / "kept"
    for folder in (outside / "empty", root / "dir" / "deep", root / "x" / "empty", kept / "empty"):
        folder.mkdir(parents=True)
    (outside / "secret").write_bytes(b"secret")
    (outside / "outsider").touch()
    (outside / "link").symlink_to("secret")
    (kept / "kept").write_bytes(b"kept")
    (root / "file").write_bytes(b"mine")
    (root / "x" / "secret").write_bytes(b"inside")
    (root / "link-out").symlink_to("../outside")
    for name, target in LINKS.items():
        (root / name).symlink_to(target.format(outside=outside))
    return tmp_path


def state(folder):
    """All that can be seen of a tree without reading it: what an attempt must leave as it is."""
    found = {}
    for path in [folder, *sorted(folder.rglob("*"))]:
        stat = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        found[path.relative_to(folder).as_posix()] = (stat.st_mode, stat.st_nlink, stat.st_mtime_ns, content)
    return found


def attempt(module, place, name):
    """What the guest answers, and whether all that is not its own is as it was."""
    forbidden = [place / "outside", place / "kept"]
    before = [state(folder) for folder in forbidden], sorted(os.listdir(place))
    dirs = {"/": place / "root", "/kept": wasmcy.ReadOnly(place / "kept")}
    with wasmcy.Wasi(dirs=dirs) as wasi:
        answer = module.instantiate(wasi=wasi).exports[name]()
    return answer, ([state(folder) for folder in forbidden], sorted(os.listdir(place))) == before


def test_every_attempt_of_the_program_is_made(module):
    functions = {item.name for item in module.exports if item.kind == "func"}
    assert functions == {*ATTEMPTS, *RACES}
    assert len(ATTEMPTS) + len(RACES) >= 100


@pytest.mark.parametrize("name", ATTEMPTS)
def test_no_way_leads_out(module, place, host_descriptors, directory_way, name):
    before = host_descriptors()
    assert attempt(module, place, name) == (0, True)
    assert host_descriptors() == before
    assert not Path("/tmp/wasmcy-escape").exists()


@pytest.mark.parametrize("name", RACES)
def test_no_race_leads_out(module, place, host_descriptors, name):
    root = place / "root"
    before = host_descriptors()
    stop = threading.Event()

    def swap():
        while not stop.is_set():
            for old, new in (("x", "y"), ("link-out", "x"), ("x", "link-out"), ("y", "x")):
                os.rename(root / old, root / new)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        result = attempt(module, place, name)
    finally:
        stop.set()
        thread.join()
    assert result == (0, True)
    assert host_descriptors() == before
