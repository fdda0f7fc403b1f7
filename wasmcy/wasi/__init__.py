"""WASI: the system interface of WebAssembly programs, as a provider of imports.

`Wasi` holds what one guest is granted; everything not granted is not there. The modules, from the
bottom: `abi` (numbers and layouts), `vectors` (scatter and gather), `waiting`, `event_loop`, `budget`, `descriptors`,
`directories` (the host's), `memory_files`, `paths` (the sandbox), `streams` (standard input and output),
`sockets`, `calls` (how a call is declared), then the calls themselves, `preview1`, and `running`.
"""

from wasmcy.wasi.preview1 import ReadOnly, Wasi
from wasmcy.wasi.streams import INHERIT

__all__ = ["INHERIT", "ReadOnly", "Wasi"]
