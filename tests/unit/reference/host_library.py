"""What of the kernel is pure functions over bytes, compiled for this machine."""

import ctypes

from tests.places import ROOT

PATH = ROOT / "build/host/libmemmap.so"


def load_library() -> ctypes.CDLL:
    """Load it; its functions' types are still to be declared."""
    assert PATH.exists(), f"{PATH} is missing: run `make host-library` (`make test` does)"
    return ctypes.CDLL(str(PATH))
