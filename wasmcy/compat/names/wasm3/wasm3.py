"""The name wasm3, for wasmcy's layer."""

import sys

from wasmcy.compat import install, wasm3

IS_LAYER = True
install("wasm3")
sys.modules[__name__] = wasm3
