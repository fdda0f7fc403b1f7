"""A function of a guest maps over data in the worker processes of Dask, as a Python function does."""

from dask.distributed import Client, LocalCluster

import wasmcy

TEXT = """
(module
  (memory (export "memory") 1)
  (global $calls (mut i32) (i32.const 0))
  (func (export "score") (param $n i32) (result i32) (local $s i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (loop
      (local.set $s (i32.xor (i32.mul (local.get $s) (i32.const 31)) (local.get $n)))
      (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $s))
  (func (export "spin") (param i32) (loop (br 0))))
"""


def test_functions_map_over_data_in_a_cluster():
    instance = wasmcy.Module.from_wat(TEXT).instantiate(limits=wasmcy.Limits(fuel=1_000_000, memory="1MiB"))
    score, spin = instance.exports.score, instance.exports.spin
    data = list(range(1, 201))
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        assert client.gather(client.map(score, data)) == [score(n) for n in data]
        error = client.submit(spin, 1).exception()
        assert isinstance(error, wasmcy.FuelExhausted) and error.frames[0].name == "spin"
