"""The name pywasm, for wasmcy's layer."""

import sys

from wasmcy.compat import install, pywasm

IS_LAYER = True
install("pywasm")
sys.modules[__name__] = pywasm
