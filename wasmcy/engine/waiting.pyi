from collections.abc import Callable
from typing import final

@final
class LoopWaiter:
    def enter(self, wake: Callable[[], object]) -> bool: ...
    def leave(self) -> bool: ...
