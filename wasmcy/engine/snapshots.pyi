"""Types of snapshots.pyx."""

from array import array
from typing import Any

from .instance import Instance
from .store import InstanceData, Suspended

class Snapshot:
    digest: bytes
    _state: tuple[Any, ...]
    _images: list[Any]
    def __init__(self, digest: bytes, state: tuple[Any, ...]) -> None: ...
    @property
    def size(self) -> int: ...

def taken(instance: Instance) -> Snapshot: ...
def put_into(instance: Instance, snapshot: Snapshot) -> None: ...
def capture(instance: InstanceData) -> tuple[Any, ...]: ...
def calls_of(instance: InstanceData) -> list[Suspended]: ...
def stack_of(
    instance: InstanceData, call: Suspended
) -> tuple[int, bool, bool, list[tuple[int, int, int]], array[int], tuple[int, int] | None]: ...
def room_for_frame(instance: InstanceData, index: int, at: int) -> None: ...
def rebuild(
    instance: InstanceData,
    index: int,
    bits: bool,
    marked: bool,
    frames: list[tuple[int, int, int]],
    slots: dict[int, int],
    host: tuple[int, int] | None,
) -> Suspended: ...
def put_back(instance: InstanceData, state: tuple[Any, ...], images: list[Any]) -> None: ...
