"""Deadlines by a clock that the program moves on."""

import threading
import time

import pytest
from instantiating import instantiate

from wasmcy import Epoch, Store, Timeout, with_caller

LOOP = '(func (export "nop")) (func (export "loop") (loop (br 0)))'


def in_store(text, imports=None):
    epoch, store = Epoch(), Store()
    return epoch, store, instantiate(text, imports, store=store).exports


def test_a_guest_runs_before_its_deadline_and_not_after():
    epoch, store, guest = in_store(LOOP)
    store.set_deadline(epoch, 2)
    guest.nop()
    assert (epoch.advance(), epoch.now) == (1, 1)
    guest.nop()
    epoch.advance()
    with pytest.raises(Timeout, match="deadline at tick 2 reached") as caught:
        guest.nop()
    assert [frame.name for frame in caught.value.frames] == ["nop"]


def test_a_later_deadline_or_none_lets_the_guest_run_again():
    epoch, store, guest = in_store(LOOP)
    store.set_deadline(epoch, epoch.now)
    with pytest.raises(Timeout):
        guest.nop()
    store.set_deadline(epoch, epoch.now + 1)
    guest.nop()
    store.set_deadline(epoch, 0)
    store.set_deadline(None)
    guest.nop()


def test_another_thread_stops_a_running_guest():
    epoch, store, guest = in_store(LOOP)
    store.set_deadline(epoch, 3)

    def tick():
        for _ in range(3):
            time.sleep(0.01)
            epoch.advance()

    thread = threading.Thread(target=tick)
    thread.start()
    with pytest.raises(Timeout) as caught:
        guest.loop()
    thread.join()
    assert caught.value.frames[0].function == 1


def test_a_host_function_may_let_time_pass():
    ticks = []
    epoch, store, guest = in_store(
        '(import "m" "tick" (func $tick)) (func (export "f") (call $tick) (loop (br 0)))',
        {"m": {"tick": lambda: ticks.append(epoch.advance())}},
    )
    store.set_deadline(epoch, 1)
    with pytest.raises(Timeout):
        guest.f()
    assert ticks == [1]


def test_stores_follow_one_epoch_each_to_its_own_tick():
    epoch = Epoch()
    stores = [Store() for _ in range(3)]
    guests = [instantiate(LOOP, store=store).exports for store in stores]
    for tick, store in enumerate(stores, 1):
        store.set_deadline(epoch, tick)
    epoch.advance(2)
    for guest in guests[:2]:
        with pytest.raises(Timeout):
            guest.nop()
    guests[2].nop()


def test_a_start_function_is_stopped():
    epoch, store = Epoch(), Store()
    store.set_deadline(epoch, 0)
    with pytest.raises(Timeout):
        instantiate("(func $f) (start $f)", store=store)


def test_a_guest_cannot_catch_a_deadline():
    epoch, store, guest = in_store(
        """(import "m" "again" (func $again))
        (func (export "f") (loop $forever (block $b (try_table (catch_all $b) (call $again))) (br $forever)))
        (func (export "nop"))""",
        {"m": {"again": with_caller(lambda caller: (epoch.advance(), caller.exports.nop())[1])}},
    )
    store.set_deadline(epoch, 5)
    with pytest.raises(Timeout):
        guest.f()
    assert epoch.now == 5


def test_every_tick_of_many_threads_counts():
    epoch = Epoch()
    threads = [threading.Thread(target=lambda: [epoch.advance() for _ in range(1000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert epoch.now == 4000


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda epoch, store: epoch.advance(-1), ValueError),
        (lambda epoch, store: epoch.advance("1"), TypeError),
        (lambda epoch, store: store.set_deadline(epoch, -1), OverflowError),
        (lambda epoch, store: store.set_deadline(epoch, 1.5), TypeError),
        (lambda epoch, store: store.set_deadline(1, 1), TypeError),
    ],
)
def test_what_is_no_tick_is_refused(call, error):
    with pytest.raises(error):
        call(Epoch(), Store())


def test_ticks_do_not_wrap_around():
    epoch, store, guest = in_store(LOOP)
    store.set_deadline(epoch, 1 << 200)
    guest.nop()
    epoch.advance(1 << 200)
    with pytest.raises(Timeout):
        guest.nop()
