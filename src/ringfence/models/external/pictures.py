"""Pictures in variables: from base64 of a file, or a list of greys, to numbers.

What comes in was sent by anybody, so sizes are bounded before anything is unpacked, and Pillow,
which reads the files (PNG, JPEG, PGM, PPM), is told which formats to try.
"""

from __future__ import annotations

import base64
import binascii
import io
import struct
import zlib
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from ringfence.errors import InvalidInput, Unavailable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_SIDE, MAX_PIXELS = 512, 65_536
_FORMATS = ("PNG", "JPEG", "PPM")
# Pillow's modes of more than eight bits a sample, which it would clip.
_DEEP = frozenset({"I", "F", "I;16", "I;16B", "I;16L", "I;16N"})


class NotReadable(Exception):
    """A picture that cannot be taken; the message says why, and repeats nothing that was sent."""


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
        return self._prepared(_scaled(self._samples(text), self))

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
        return _opened(content, self.channels)

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


def _opened(content: bytes, channels: int) -> NDArray[np.float32]:
    """The samples of a file, 0 to 255, shape `(height, width, channels)`; opacity is left out."""
    import numpy as np

    image = _pillow()
    try:
        with image.open(io.BytesIO(content), formats=_FORMATS) as picture:
            # The size stands in the file's head: nothing has been unpacked yet.
            if not 0 < picture.width * picture.height <= MAX_PIXELS:
                raise NotReadable(
                    f"a picture of {picture.width} x {picture.height} pixels is too large"
                )
            if picture.mode in _DEEP:
                raise NotReadable("only pictures of 8 bits a sample can be read")
            converted = picture.convert("RGB" if channels == 3 else "L")
    except image.DecompressionBombError:
        raise NotReadable("a picture of so many pixels is too large") from None
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error):
        raise NotReadable(f"not a file that can be read: {', '.join(_FORMATS)}") from None
    shape = (converted.height, converted.width, channels)
    return np.asarray(converted, dtype=np.float32).reshape(shape)


def _scaled(samples: NDArray[np.float32], picture: Picture) -> NDArray[np.float32]:
    """Where a picture shrinks, each new sample is the mean of what it covers of the old ones."""
    import numpy as np

    if samples.shape[:2] == (picture.height, picture.width):
        return samples
    image = _pillow()
    size = (picture.width, picture.height)
    return np.dstack(
        [
            np.asarray(
                image.fromarray(np.ascontiguousarray(channel)).resize(size, image.Resampling.BOX)
            )
            for channel in np.moveaxis(samples, 2, 0)
        ]
    )


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise Unavailable(
            "Pillow, which reads pictures, is not installed",
            field="picture",
            expected='pip install "ringfence[onnx]"',
        ) from None
    return Image
