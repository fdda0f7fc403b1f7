"""Engine: what stores and modules have in common."""

from __future__ import annotations

import wasmcy

from ._config import Config
from ._managed import Managed


class Engine(Managed):
    """Settings that modules and stores share, and the epoch they follow."""

    def __init__(self, config: Config | None = None) -> None:
        if config is None:
            config = Config()
        elif not isinstance(config, Config):
            raise TypeError("expected Config")
        self._features, self._settings = config._consume()
        self._epoch = wasmcy.Epoch()

    def increment_epoch(self) -> None:
        """Let a tick of the epoch pass, from any thread."""
        self._open()
        self._epoch.advance()

    def is_pulley(self) -> bool:
        """Whether this is wasmtime's own interpreter: no."""
        return False
