"""Runner of the official WebAssembly test scripts (.wast), on wasmcy alone.

`python -m spectests PATH…` runs files and folders; under pytest every script of the suite is one
item, and its round trips between binary and text are another.

The parts, in the order in which a script passes through them:

    forms     text of a script -> forms with their places in the source
    values    constants and result patterns, as bits
    engine    the only module that talks to wasmcy: load, instantiate, the `spectest` host module
    runner    the commands and assertions of a script
    scope     where the suite is, which features a folder is written for
"""
