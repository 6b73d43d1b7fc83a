"""Pictures in variables: from base64 of a PNG, PGM or PPM file, or a list of greys, to numbers.

What comes in was sent by anybody, so sizes are bounded before anything is unpacked. Files are read
by their specifications: PNG (ISO/IEC 15948) with 8 bits a sample and no interlacing, and Netpbm's
P2, P3, P5 and P6.
"""

from __future__ import annotations

import base64
import binascii
import re
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from ringfence.errors import InvalidInput
from ringfence.models.external.png import NotReadable, read_png

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_SIDE, MAX_PIXELS = 512, 65_536
_NETPBM = re.compile(
    rb"(P[2356])\s(?:\s|#[^\n]*\n)*(\d{1,5})\s(?:\s|#[^\n]*\n)*(\d{1,5})\s(?:\s|#[^\n]*\n)*(\d{1,5})\s"
)


class Layout(StrEnum):
    """The order of a picture's axes: channels before rows and columns, or after them."""

    CHANNELS_FIRST = "CHANNELS_FIRST"
    CHANNELS_LAST = "CHANNELS_LAST"


class Picture(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a model wants a picture: its size in pixels, 1 channel (grey) or 3 (red, green, blue),
    and what each sample of 0-255 is multiplied by and then given in addition.

    A picture of another size is scaled to this one.
    """

    width: int
    height: int
    channels: int = 1
    scale: float = 1 / 255
    shift: float = 0.0
    layout: Layout = Layout.CHANNELS_FIRST

    def check(self, field: str) -> None:
        """Raise `InvalidInput` naming what is out of range."""
        for name, side in (("width", self.width), ("height", self.height)):
            if not 1 <= side <= MAX_SIDE:
                raise InvalidInput(
                    "out of range", field=f"{field}.{name}", expected=f"1 to {MAX_SIDE} pixels"
                )
        if self.channels not in (1, 3):
            raise InvalidInput(
                f"{self.channels} given", field=f"{field}.channels", expected="1 (grey) or 3"
            )

    def read(self, text: str) -> NDArray[np.float32]:
        """The samples of a picture, shape `(channels, height, width)` or, with channels last,
        `(height, width, channels)`. Raises `NotReadable`."""
        return self._prepared(_scaled(_with_channels(self._samples(text), self.channels), self))

    def black(self) -> NDArray[np.float32]:
        """A black picture, as `read` gives it."""
        import numpy as np

        return self._prepared(np.zeros((self.height, self.width, self.channels), dtype=np.float32))

    def _prepared(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        import numpy as np

        scaled = samples * np.float32(self.scale) + np.float32(self.shift)
        if self.layout is Layout.CHANNELS_FIRST:
            scaled = scaled.transpose(2, 0, 1)
        return np.ascontiguousarray(scaled, dtype=np.float32)

    def _samples(self, text: str) -> NDArray[np.float32]:
        text = text.strip()
        if text.startswith("["):
            return self._listed(text)
        if text.startswith("data:"):
            text = text.partition(",")[2]
        try:
            content = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise NotReadable("neither base64 nor a list of greys") from None
        if content.startswith(b"\x89PNG"):
            return read_png(content, MAX_PIXELS)
        return _netpbm(content)

    def _listed(self, text: str) -> NDArray[np.float32]:
        import numpy as np

        try:
            greys = msgspec.json.decode(text, type=list[float])
        except msgspec.DecodeError:
            raise NotReadable("not a list of numbers") from None
        shape = (self.height, self.width, self.channels)
        if len(greys) != self.height * self.width * self.channels:
            raise NotReadable(f"{len(greys)} numbers are not {' x '.join(map(str, shape))}")
        samples = np.asarray(greys, dtype=np.float32).reshape(shape)
        if not bool(((samples >= 0) & (samples <= 255)).all()):
            raise NotReadable("a number is not within 0 to 255")
        return samples


def _netpbm(content: bytes) -> NDArray[np.float32]:
    import numpy as np

    head = _NETPBM.match(content)
    if head is None:
        raise NotReadable("neither a PNG nor a PGM or PPM file")
    kind, width, height, most = head[1], int(head[2]), int(head[3]), int(head[4])
    channels = 3 if kind in (b"P3", b"P6") else 1
    if not (0 < width * height <= MAX_PIXELS and 0 < most < 256):
        raise NotReadable(f"a picture of {width} x {height} with {most} greys cannot be taken")
    count = width * height * channels
    body = content[head.end() :]
    if kind in (b"P5", b"P6"):
        flat = np.frombuffer(body[:count], dtype=np.uint8)
    else:
        try:
            flat = np.array(body.split()[:count], dtype=np.int64)
        except (ValueError, OverflowError):
            raise NotReadable("a sample is not a number") from None
    if flat.size < count:
        raise NotReadable("the file ends before the picture does")
    if int(flat.max()) > most or int(flat.min()) < 0:
        raise NotReadable("a sample is out of range")
    return flat.reshape(height, width, channels).astype(np.float32) * np.float32(255 / most)


def _with_channels(samples: NDArray[np.float32], channels: int) -> NDArray[np.float32]:
    import numpy as np

    if samples.shape[2] == channels:
        return samples
    if channels == 3:
        return np.repeat(samples, 3, axis=2)
    # ITU-R BT.601, as everybody turns colours to grey.
    return samples @ np.array([[0.299], [0.587], [0.114]], dtype=np.float32)


def _scaled(samples: NDArray[np.float32], picture: Picture) -> NDArray[np.float32]:
    for axis, wanted in ((0, picture.height), (1, picture.width)):
        if samples.shape[axis] != wanted:
            samples = _resampled(samples, axis, wanted)
    return samples


def _resampled(samples: NDArray[np.float32], axis: int, wanted: int) -> NDArray[np.float32]:
    """Each new sample is the mean of what it covers of the old ones."""
    import numpy as np

    had = samples.shape[axis]
    edges = np.linspace(0, had, wanted + 1)
    places = np.arange(had)
    low, high = edges[:-1, None], edges[1:, None]
    weights = np.clip(np.minimum(high, places + 1) - np.maximum(low, places), 0, None)
    weights /= weights.sum(axis=1, keepdims=True)
    moved = np.tensordot(weights.astype(np.float32), np.moveaxis(samples, axis, 0), axes=1)
    return np.moveaxis(moved, 0, axis)
