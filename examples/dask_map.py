"""A function of a guest, mapped over data by the worker processes of Dask, like a Python function.

It prints:

    [1, 1, 2, 3, 5, 8, 13, 21, 34, 55]
    one that spins is stopped: fuel exhausted
"""

from dask.distributed import Client, LocalCluster

import wasmcy

TEXT = """
(module
  (func $fib (export "fib") (param $n i32) (result i32)
    (if (result i32) (i32.lt_u (local.get $n) (i32.const 2))
      (then (local.get $n))
      (else (i32.add (call $fib (i32.sub (local.get $n) (i32.const 1)))
                     (call $fib (i32.sub (local.get $n) (i32.const 2)))))))
  (func (export "spin") (param i32) (loop (br 0))))
"""
LIMITS = wasmcy.Limits(fuel=1_000_000, memory="1MiB")  # of the instance that each worker makes


def attempt(function: wasmcy.Func, *arguments: int) -> object:
    """What the guest returns, or why it did not."""
    try:
        return function(*arguments)
    except wasmcy.LimitError as error:
        return error.message


def main() -> None:
    guest = wasmcy.Module.from_wat(TEXT).instantiate(limits=LIMITS)
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        print(client.gather(client.map(guest.exports.fib, range(1, 11))))  # pickles carry the module
        print("one that spins is stopped:", client.submit(attempt, guest.exports.spin, 1).result())


if __name__ == "__main__":
    main()
