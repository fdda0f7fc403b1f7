"""Random valid modules, run by several engines that must agree on every bit.

    encode     a small binary encoder of its own, so that the tests do not trust wasmcy's
    generate   random modules from the table of instructions
    backends   wasmtime, wasmcy, and wasmcy in a process with other settings
    compare    runs a module on two backends, finds and shrinks disagreements

`python -m tests.differential --count 100000 --seed 1` generates that many functions.
"""
