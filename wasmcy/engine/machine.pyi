"""Types of machine.pyx."""

from collections.abc import Callable, Iterable
from typing import Any, Self

from ..types import FuncType, ValType
from .store import Store

_Type = ValType | int | str

DISPATCH: str

class Func:
    def __new__(
        cls,
        callable: Callable[..., Any] | None = None,
        params: Iterable[_Type] = (),
        results: Iterable[_Type] = (),
        *,
        type: FuncType | None = None,
        store: Store | None = None,
    ) -> Self: ...
    @property
    def type(self) -> FuncType: ...
    @property
    def store(self) -> Store | None: ...
    @property
    def name(self) -> str | None: ...
    def __call__(self, *args: Any) -> Any: ...
    def call_raw(self, *args: Any) -> Any: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

def set_caller_class(cls: type) -> None: ...
def tag_identity(type_: object) -> int: ...
