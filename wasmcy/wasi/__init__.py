"""WASI: the system interface of WebAssembly programs, as a provider of imports.

`Wasi` holds what one guest is granted; everything not granted is not there. The modules, from the
bottom: `abi` (numbers and layouts), `vectors` (scatter and gather), `descriptors`, `directories`
(the host's), `paths` (the sandbox), `streams` (standard input and output), `calls` (how a call is
declared), then the calls themselves, and `preview1`.
"""

from wasmcy.wasi.preview1 import ReadOnly, Wasi
from wasmcy.wasi.streams import INHERIT

__all__ = ["INHERIT", "ReadOnly", "Wasi"]
