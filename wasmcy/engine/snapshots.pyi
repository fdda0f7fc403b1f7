"""Types of snapshots.pyx."""

from typing import Any, Self

from .instance import Instance
from .store import InstanceData

class Snapshot:
    digest: bytes
    state: tuple[Any, ...]
    images: list[Any]
    def __init__(self, digest: bytes, state: tuple[Any, ...]) -> None: ...
    @classmethod
    def of(cls, instance: Instance) -> Self: ...
    def fill(self, instance: Instance) -> None: ...
    @property
    def size(self) -> int: ...

def capture(instance: InstanceData) -> tuple[Any, ...]: ...
def put_back(instance: InstanceData, state: tuple[Any, ...], images: list[Any]) -> None: ...
