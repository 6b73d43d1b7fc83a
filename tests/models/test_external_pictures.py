from __future__ import annotations

import base64
import json
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ringfence.errors import InvalidInput
from ringfence.models.external.pictures import Layout, Picture
from ringfence.models.external.png import NotReadable, read_png


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(samples: Any, filters: list[int], colour: int, palette: bytes = b"") -> bytes:
    """A PNG of `(height, width, samples)`, its lines filtered as told."""
    height, width, step = samples.shape
    lines = b""
    before = np.zeros(width * step, dtype=int)
    for row, kind in zip(samples.reshape(height, -1).astype(int), filters, strict=True):
        left = np.concatenate([np.zeros(step, dtype=int), row[:-step]])
        corner = np.concatenate([np.zeros(step, dtype=int), before[:-step]])
        guess = left + before - corner
        nearest = np.where(
            (abs(guess - left) <= abs(guess - before)) & (abs(guess - left) <= abs(guess - corner)),
            left,
            np.where(abs(guess - before) <= abs(guess - corner), before, corner),
        )
        taken = [0 * row, left, before, (left + before) // 2, nearest][kind]
        lines += bytes([kind]) + ((row - taken) % 256).astype(np.uint8).tobytes()
        before = row
    head = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    parts = [(b"IHDR", head), *([(b"PLTE", palette)] if palette else [])]
    parts += [(b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(name, data) for name, data in parts)


def pgm(samples: Any) -> str:
    head = f"P5\n# made here\n{samples.shape[1]} {samples.shape[0]}\n255\n".encode()
    return base64.b64encode(head + samples.astype(np.uint8).tobytes()).decode()


@given(data=st.data(), colour=st.sampled_from([0, 2, 4, 6]))
def test_a_png_is_read_whatever_filters_its_lines_have(data: st.DataObject, colour: int) -> None:
    step = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    sides = st.integers(1, 6)
    shape = (data.draw(sides), data.draw(sides), step)
    samples = data.draw(arrays.arrays(np.uint8, shape))
    filters = data.draw(st.lists(st.integers(0, 4), min_size=shape[0], max_size=shape[0]))
    found = read_png(png(samples, filters, colour), 64)
    assert np.array_equal(found, samples[:, :, : 1 if step < 3 else 3])


def test_a_png_with_a_palette_has_its_colours() -> None:
    palette = bytes([0, 0, 0, 255, 0, 0, 0, 255, 0])
    found = read_png(png(np.array([[[1], [2]]]), [0], 3, palette), 64)
    assert found.tolist() == [[[255, 0, 0], [0, 255, 0]]]


@given(content=st.binary(max_size=200))
def test_no_file_does_worse_than_being_refused(content: bytes) -> None:
    picture = Picture(width=4, height=4)
    for text in (content, b"\x89PNG\r\n\x1a\n" + content, b"P5 2 2 255\n" + content):
        try:
            samples = picture.read(base64.b64encode(text).decode())
        except NotReadable:
            continue
        assert samples.shape == (1, 4, 4)


@given(cut=st.integers(0, 100))
def test_a_png_that_ends_early_is_refused(cut: int) -> None:
    whole = png(np.full((9, 9, 1), 7), [4] * 9, 0)
    with pytest.raises(NotReadable):
        read_png(whole[: min(cut, len(whole) - 20)], 100)


def test_a_picture_that_unpacks_to_more_than_it_says_is_not_unpacked() -> None:
    huge = png(np.zeros((300, 300, 1)), [0] * 300, 0)
    with pytest.raises(NotReadable, match="300 x 300 pixels is too large"):
        Picture(width=4, height=4).read(base64.b64encode(huge).decode())


def test_the_same_picture_in_three_writings_is_the_same_numbers() -> None:
    samples = np.arange(12).reshape(3, 4) * 20
    picture = Picture(width=4, height=3)
    of_pgm = picture.read(pgm(samples))
    of_png = picture.read(
        "data:image/png;base64," + base64.b64encode(png(samples[..., None], [2] * 3, 0)).decode()
    )
    listed = picture.read(json.dumps(samples.ravel().tolist()))
    assert of_pgm.shape == (1, 3, 4)
    assert np.allclose(of_pgm[0], samples / 255)
    assert np.array_equal(of_pgm, of_png)
    assert np.array_equal(of_pgm, listed)


def test_another_size_is_scaled_and_keeps_the_mean() -> None:
    samples = np.random.default_rng(1).integers(0, 256, (30, 24))
    scaled = Picture(width=8, height=10, scale=1.0).read(pgm(samples))
    assert scaled.shape == (1, 10, 8)
    assert scaled[0, 0, 0] == pytest.approx(samples[:3, :3].mean(), rel=1e-5)
    assert Picture(width=60, height=60).read(pgm(samples)).mean() == pytest.approx(
        samples.mean() / 255, rel=1e-4
    )


def test_colours_come_in_the_layout_that_is_declared() -> None:
    red = png(np.array([[[255, 0, 0], [255, 0, 0]]]), [1], 2)
    text = base64.b64encode(red).decode()
    first = Picture(width=2, height=1, channels=3, scale=1.0).read(text)
    last = Picture(width=2, height=1, channels=3, scale=1.0, layout=Layout.CHANNELS_LAST).read(text)
    assert first.tolist() == [[[255, 255]], [[0, 0]], [[0, 0]]]
    assert last.tolist() == [[[255, 0, 0], [255, 0, 0]]]
    assert Picture(width=2, height=1, scale=1.0, shift=-1.0).read(text)[0, 0, 0] == pytest.approx(
        0.299 * 255 - 1, rel=1e-5
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "neither a PNG"),
        ("%%%", "neither base64"),
        ("[1, 2]", "2 numbers are not"),
        ("[1, 2, 3, 256]", "not within"),
        ("[1, 2, 3, null]", "not a list"),
        (base64.b64encode(b"P5 2 2 255\nabc").decode(), "ends before"),
        (base64.b64encode(b"P2 2 2 9\n1 2 3 10").decode(), "out of range"),
        (base64.b64encode(b"P5 99999 99999 255\n").decode(), "cannot be taken"),
    ],
)
def test_what_is_no_picture_says_so(text: str, said: str) -> None:
    with pytest.raises(NotReadable, match=said):
        Picture(width=2, height=2).read(text)


def test_a_size_beyond_bounds_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        Picture(width=2, height=10_000).check("inputs.0.picture")
    assert refused.value.field == "inputs.0.picture.height"
