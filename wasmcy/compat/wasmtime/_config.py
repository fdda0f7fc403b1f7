"""Config: settings of an engine. All are accepted; those that mean something to an interpreter are obeyed."""

from __future__ import annotations

import os

from wasmcy import Features

from ._error import WasmtimeError
from ._managed import Managed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

# Architectures of wasmtime's targets.
_ARCHITECTURES = {
    *("x86_64", "aarch64", "riscv64", "riscv64gc", "s390x", "i686", "armv7", "arm"),
    *("pulley32", "pulley64", "pulley32be", "pulley64be"),
}


class Setting:
    """A setting of a `Config`: it is set, never read; `check` raises for what it cannot be."""

    def __init__(self, check: Callable[[object], object], feature: str | None = None) -> None:
        self.check = check
        self.feature = feature

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, config: Config | None, owner: type) -> NoReturn:
        raise AttributeError(f"{self.name!r} can be set, not read")

    def __set__(self, config: Config, value: bool | int | str) -> None:
        config._open()
        self.check(value)
        if self.feature is not None:
            config._features[self.feature] = bool(value)
        else:
            config._settings[self.name] = value


def _bool(value: object) -> None:
    if not isinstance(value, bool):
        raise TypeError("expected a bool")


def _int(value: object) -> None:
    if not isinstance(value, int):
        raise TypeError("expected an int")
    if value < 0:
        raise ValueError(f"{value} is negative")


def _one_of(what: str, *names: str) -> Callable[[object], None]:
    def check(value: object) -> None:
        if value not in names:
            raise WasmtimeError(f"unknown {what}: {value}")

    return check


def _cache(value: object) -> None:
    if value is False:
        raise WasmtimeError("caching cannot be explicitly disabled")
    if isinstance(value, str):
        if not os.path.isfile(value):
            raise WasmtimeError(f"failed to read config file: {value}")
    elif not isinstance(value, bool):
        raise TypeError("expected string or bool")


def _target(value: object) -> None:
    if not isinstance(value, str):
        raise TypeError("expected a str")
    if value.partition("-")[0] not in _ARCHITECTURES:
        raise WasmtimeError(f"Unrecognized architecture: {value}")


class Config(Managed):
    """Settings for an `Engine`, which uses them up."""

    def __init__(self) -> None:
        self._settings: dict[str, object] = {}
        self._features: dict[str, bool] = {"legacy_exceptions": False}

    wasm_threads = Setting(_bool, "threads")
    wasm_tail_call = Setting(_bool, "tail_call")
    wasm_reference_types = Setting(_bool, "reference_types")
    wasm_simd = Setting(_bool, "simd")
    wasm_bulk_memory = Setting(_bool, "bulk_memory")
    wasm_multi_value = Setting(_bool, "multi_value")
    wasm_multi_memory = Setting(_bool, "multi_memory")
    wasm_memory64 = Setting(_bool, "memory64")
    wasm_relaxed_simd = Setting(_bool, "relaxed_simd")
    wasm_exceptions = Setting(_bool, "exceptions")
    wasm_function_references = Setting(_bool, "function_references")
    wasm_gc = Setting(_bool, "gc")
    wasm_wide_arithmetic = Setting(_bool, "wide_arithmetic")
    wasm_custom_page_sizes = Setting(_bool, "custom_page_sizes")
    gc_support = Setting(_bool, "gc")

    consume_fuel = Setting(_bool)
    epoch_interruption = Setting(lambda value: None)  # anything true or false
    max_wasm_stack = Setting(_int)
    shared_memory = Setting(_bool)
    cranelift_nan_canonicalization = Setting(_bool)

    # They choose between ways that give the same results here.
    cache = Setting(_cache)
    strategy = Setting(_one_of("strategy", "auto", "cranelift"))
    cranelift_opt_level = Setting(_one_of("opt level", "none", "speed", "speed_and_size"))
    profiler = Setting(_one_of("profiler", "none", "jitdump", "vtune", "perfmap"))
    target = Setting(_target)
    cranelift_debug_verifier = Setting(_bool)
    debug_info = Setting(_bool)
    macos_use_mach_ports = Setting(_bool)
    memory_guard_size = Setting(_int)
    memory_init_cow = Setting(_bool)
    memory_may_move = Setting(_bool)
    memory_reservation = Setting(_int)
    memory_reservation_for_growth = Setting(_int)
    native_unwind_info = Setting(_bool)
    parallel_compilation = Setting(_bool)
    signals_based_traps = Setting(_bool)
    wasm_component_model = Setting(_bool)
    wasm_component_model_implements = Setting(_bool)
    wasm_component_model_map = Setting(_bool)
    wasm_relaxed_simd_deterministic = Setting(_bool)
    wasm_stack_switching = Setting(_bool)

    def cranelift_flag_enable(self, flag: str) -> None:
        """Accepted: there is no Cranelift."""
        self._open()
        if not isinstance(flag, str):
            raise TypeError("expected a str")

    def cranelift_flag_set(self, key: str, value: str) -> None:
        """Accepted: there is no Cranelift."""
        self._open()
        if not isinstance(key, str) or not isinstance(value, str):
            raise TypeError("expected a str for key and value")

    def _consume(self) -> tuple[Features, dict[str, object]]:
        """The features and the other settings; the Config is closed."""
        self._open()
        self.close()
        features = Features(**self._features)
        if not features.simd:
            features = features.with_(relaxed_simd=False)
        return features, self._settings
