"""Tag: a kind of exception."""

from __future__ import annotations

import wasmcy

from ._types import TagType, extern_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._store import Storelike


class Tag:
    """A tag, by which exceptions are told apart."""

    _tag: wasmcy.Tag

    def __init__(self, store: Storelike, ty: TagType) -> None:
        if not isinstance(ty, TagType):
            raise TypeError("expected a TagType")
        self._tag = wasmcy.Tag(ty._type.params, store=store._context())

    @classmethod
    def _of(cls, tag: wasmcy.Tag) -> Tag:
        made = cls.__new__(cls)
        made._tag = tag
        return made

    def type(self, store: Storelike) -> TagType:
        store._context()
        return extern_type(wasmcy.TagType(wasmcy.FuncType(self._tag.type.params)))  # type: ignore[return-value]

    def eq(self, store: Storelike, other: Tag) -> bool:
        """Whether both are the same tag."""
        store._context()
        return self._tag is other._tag
