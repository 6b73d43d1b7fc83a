"""Serving a LightGBM text model through the C library that LightGBM ships.

The Python package is for training: importing it brings NumPy and SciPy, seconds and tens of
megabytes that a server does not need. Scoring needs three functions of the documented C API
(https://lightgbm.readthedocs.io/en/stable/C-API.html), on one thread: parallel requests already
keep the cores busy, and a thread pool costs more than a row.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import threading
from array import array
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from ringfence.errors import Unavailable

_FLOAT64 = 1
_ROW_MAJOR = 1
_RAW_SCORE = 1
_CONTRIBUTIONS = 3
_PARAMETERS = b"num_threads=1 predict_disable_shape_check=false"


def let_threads_sleep() -> None:
    """Make OpenMP's threads sleep while they wait. To be called before LightGBM is loaded.

    By default they spin, which on a machine that has other work to do (a server beside a training)
    takes the processor from the very thread they wait for: five to ten times slower here.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


class Trees:
    """A loaded text model. Safe to use from several threads."""

    def __init__(self, text: str):
        self._library = _library()
        self._handle = ctypes.c_void_p()
        iterations = ctypes.c_int(0)
        self._check(
            self._library.LGBM_BoosterLoadModelFromString(
                text.encode(), ctypes.byref(iterations), ctypes.byref(self._handle)
            )
        )
        count = ctypes.c_int(0)
        self._check(self._library.LGBM_BoosterGetNumFeature(self._handle, ctypes.byref(count)))
        self.feature_count: int = count.value
        self._fast = ctypes.c_void_p()
        self._check(
            self._library.LGBM_BoosterPredictForMatSingleRowFastInit(
                self._handle, _RAW_SCORE, 0, -1, _FLOAT64, count, _PARAMETERS,
                ctypes.byref(self._fast),
            )
        )  # fmt: skip
        # The prepared single-row call keeps its own buffers, so one thread at a time.
        self._single = threading.Lock()
        self._row = (ctypes.c_double * self.feature_count)()
        self._row_bytes = memoryview(self._row).cast("B")
        self._out = ctypes.c_double()
        self._out_at = ctypes.byref(self._out)
        self._written = ctypes.byref(ctypes.c_int64())

    def log_odds(self, values: Sequence[float], rows: int) -> Sequence[float]:
        """The raw score of each row. `values` is row after row, `rows * feature_count` in all.

        Raises `ValueError` when it is not.
        """
        self._check_width(values, rows)
        if rows == 1:
            return (self._one(values),)
        return self._predict(values, rows, _RAW_SCORE, 1)

    def contributions(self, values: Sequence[float]) -> Sequence[float]:
        """What each feature adds to the raw score of one row, and last the bias (TreeSHAP)."""
        self._check_width(values, 1)
        return self._predict(values, 1, _CONTRIBUTIONS, self.feature_count + 1)

    def _check_width(self, values: Sequence[float], rows: int) -> None:
        # The C library would read past the end.
        if len(values) != rows * self.feature_count:
            raise ValueError(f"{len(values)} values are not {rows} rows of {self.feature_count}")

    def _one(self, values: Sequence[float]) -> float:
        with self._single:
            self._row_bytes[:] = memoryview(array("d", values)).cast("B")
            self._check(
                self._library.LGBM_BoosterPredictForMatSingleRowFast(
                    self._fast, self._row, self._written, self._out_at
                )
            )
            return self._out.value

    def _predict(
        self, values: Sequence[float], rows: int, kind: int, width: int
    ) -> Sequence[float]:
        matrix = array("d", values)
        address, _ = matrix.buffer_info()
        out = (ctypes.c_double * (rows * width))()
        written = ctypes.c_int64(0)
        self._check(
            self._library.LGBM_BoosterPredictForMat(
                self._handle, address, _FLOAT64, rows, self.feature_count, _ROW_MAJOR, kind, 0, -1,
                _PARAMETERS, ctypes.byref(written), out,
            )
        )  # fmt: skip
        return out[:]

    def _check(self, code: int) -> None:
        if code != 0:
            reason = self._library.LGBM_GetLastError().decode(errors="replace")
            raise Unavailable(f"LightGBM cannot use this model: {reason}")

    def __del__(self) -> None:
        library = self.__dict__.get("_library")
        if library is None:
            return
        if self.__dict__.get("_fast"):
            library.LGBM_FastConfigFree(self._fast)
        if self._handle:
            library.LGBM_BoosterFree(self._handle)


@cache
def _library() -> ctypes.CDLL:
    spec = importlib.util.find_spec("lightgbm")
    if spec is None or spec.origin is None:
        raise Unavailable("LightGBM is not installed", expected="pip install lightgbm")
    folder = Path(spec.origin).parent
    names = ("lib_lightgbm.so", "lib_lightgbm.dylib", "lib_lightgbm.dll")
    found = [folder / sub / name for sub in ("lib", "bin") for name in names]
    path = next((path for path in found if path.is_file()), None)
    if path is None:
        raise Unavailable("LightGBM is installed without its C library", expected=str(found[0]))
    let_threads_sleep()
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise Unavailable(
            f"LightGBM's C library cannot be loaded: {error}",
            expected="the OpenMP runtime, on Debian and Ubuntu the package libgomp1",
        ) from None
    _declare(library)
    return library


def _declare(library: ctypes.CDLL) -> None:
    pointer, number, text = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
    row_count = ctypes.c_int32
    library.LGBM_GetLastError.argtypes = []
    library.LGBM_GetLastError.restype = text
    library.LGBM_BoosterLoadModelFromString.argtypes = [text, pointer, pointer]
    library.LGBM_BoosterGetNumFeature.argtypes = [pointer, pointer]
    library.LGBM_BoosterFree.argtypes = [pointer]
    library.LGBM_FastConfigFree.argtypes = [pointer]
    library.LGBM_BoosterPredictForMat.argtypes = [
        pointer, pointer, number, row_count, row_count, number, number, number, number, text,
        pointer, pointer,
    ]  # fmt: skip
    library.LGBM_BoosterPredictForMatSingleRowFastInit.argtypes = [
        pointer, number, number, number, number, row_count, text, pointer,
    ]  # fmt: skip
    library.LGBM_BoosterPredictForMatSingleRowFast.argtypes = [
        pointer, pointer, pointer, pointer,
    ]  # fmt: skip
