"""The name wasmtime, for wasmcy's layer."""

import os
import sys

from wasmcy.compat import install, wasmtime

IS_LAYER = True
release = os.environ.get("WASMCY_WASMTIME_RELEASE")
install("wasmtime", version=int(release) if release else None)
sys.modules[__name__] = wasmtime
