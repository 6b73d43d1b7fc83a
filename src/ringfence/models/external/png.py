"""Reading PNG files (ISO/IEC 15948) of 8 bits a sample; nothing else in the package needs pictures,
so no library for them is installed."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Samples a pixel by colour type: grey, colours, index of a palette, the first two with opacity.
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


class NotReadable(Exception):
    """A picture that cannot be taken; the message says why, and repeats nothing that was sent."""


def read_png(content: bytes, max_pixels: int) -> NDArray[np.float32]:
    """The samples of a picture, 0 to 255, shape `(height, width, 1 or 3)`; opacity is left out.

    Raises `NotReadable` for what is broken, interlaced, deeper than 8 bits or too large.
    """
    import numpy as np

    chunks = dict[bytes, bytes]()
    for name, data in _chunks(content):
        chunks[name] = chunks.get(name, b"") + data
    if len(chunks.get(b"IHDR", b"")) != 13:
        raise NotReadable("the PNG has no header")
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    if depth != 8 or interlaced or colour not in _SAMPLES:
        raise NotReadable("only PNGs of 8 bits a sample without interlacing can be read")
    if not 0 < width * height <= max_pixels:
        raise NotReadable(f"a picture of {width} x {height} pixels is too large")
    samples = _SAMPLES[colour]
    stride = width * samples
    unpacker = zlib.decompressobj()
    try:
        lines = unpacker.decompress(chunks.get(b"IDAT", b""), (stride + 1) * height)
    except zlib.error:
        raise NotReadable("the PNG is broken") from None
    if len(lines) < (stride + 1) * height:
        raise NotReadable("the PNG ends before the picture does")
    flat = b"".join(_unfiltered(lines, height, stride, samples))
    found = np.frombuffer(flat, dtype=np.uint8).reshape(height, width, samples)
    if colour == 3:
        palette = np.frombuffer(chunks.get(b"PLTE", b""), dtype=np.uint8)
        if palette.size % 3 or palette.size <= 3 * int(found.max()):
            raise NotReadable("the PNG's palette is too short")
        found = palette.reshape(-1, 3)[found[:, :, 0]]
    elif colour in (4, 6):
        found = found[:, :, :-1]
    return found.astype(np.float32)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = len(_SIGNATURE)
    if not content.startswith(_SIGNATURE):
        raise NotReadable("not a PNG")
    while place + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, place)
        name, data = content[place + 4 : place + 8], content[place + 8 : place + 8 + length]
        if len(data) < length:
            break
        yield name, data
        place += length + 12


def _unfiltered(lines: bytes, height: int, stride: int, step: int) -> Iterator[bytes]:
    before = bytearray(stride)
    for number in range(height):
        start = number * (stride + 1)
        kind = lines[start]
        line = bytearray(lines[start + 1 : start + 1 + stride])
        if kind > 4:
            raise NotReadable("the PNG is broken")
        if kind == 1:
            for at in range(step, stride):
                line[at] = (line[at] + line[at - step]) & 255
        elif kind == 2:
            line = bytearray((a + b) & 255 for a, b in zip(line, before, strict=True))
        elif kind == 3:
            for at in range(stride):
                left = line[at - step] if at >= step else 0
                line[at] = (line[at] + (left + before[at]) // 2) & 255
        elif kind == 4:
            for at in range(stride):
                left, corner = (line[at - step], before[at - step]) if at >= step else (0, 0)
                line[at] = (line[at] + _paeth(left, before[at], corner)) & 255
        before = line
        yield bytes(line)


def _paeth(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    to_left, to_above, to_corner = abs(guess - left), abs(guess - above), abs(guess - corner)
    if to_left <= to_above and to_left <= to_corner:
        return left
    return above if to_above <= to_corner else corner
