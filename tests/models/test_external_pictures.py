from __future__ import annotations

import base64
import io
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ringfence.errors import InvalidInput
from ringfence.models.external.pictures import Layout, NotReadable, Picture


def file(samples: Any, kind: str = "PNG", mode: str | None = None) -> bytes:
    """A picture of `(height, width)` or `(height, width, 3)` samples as a file."""
    written = io.BytesIO()
    image = Image.fromarray(np.asarray(samples))
    (image.convert(mode) if mode else image).save(written, kind)
    return written.getvalue()


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def pgm(samples: Any) -> str:
    head = f"P5\n# made here\n{samples.shape[1]} {samples.shape[0]}\n255\n".encode()
    return base64.b64encode(head + samples.astype(np.uint8).tobytes()).decode()


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGB", "RGBA"])
def test_a_png_is_read_whatever_its_colours_are_kept_as(mode: str) -> None:
    greys = np.array([[0, 255], [255, 0]], dtype=np.uint8)
    picture = Picture(width=2, height=2, scale=1.0)
    assert picture.read(encoded(file(greys, mode=mode)))[0].tolist() == greys.tolist()


def test_a_photograph_is_read() -> None:
    grey = np.full((8, 8), 100, dtype=np.uint8)
    found = Picture(width=8, height=8, scale=1.0).read(encoded(file(grey, "JPEG")))
    assert np.abs(found - 100).max() <= 2


def test_a_file_of_other_formats_is_refused() -> None:
    with pytest.raises(NotReadable, match="PNG, JPEG, PPM"):
        Picture(width=2, height=2).read(encoded(file(np.zeros((2, 2), np.uint8), "BMP")))


def test_a_file_of_sixteen_bits_is_refused_and_not_clipped() -> None:
    with pytest.raises(NotReadable, match="8 bits"):
        Picture(width=2, height=2).read(encoded(file(np.full((2, 2), 40_000, np.uint16))))


@given(content=st.binary(max_size=200))
def test_no_file_does_worse_than_being_refused(content: bytes) -> None:
    picture = Picture(width=4, height=4)
    for text in (content, b"\x89PNG\r\n\x1a\n" + content, b"P5 2 2 255\n" + content):
        try:
            samples = picture.read(base64.b64encode(text).decode())
        except NotReadable:
            continue
        assert samples.shape == (1, 4, 4)


@given(cut=st.integers(1, 60))
def test_a_png_that_ends_early_is_refused(cut: int) -> None:
    whole = file(np.random.default_rng(1).integers(0, 256, (9, 9), dtype=np.uint8))
    with pytest.raises(NotReadable):
        Picture(width=9, height=9).read(encoded(whole[:cut]))


def test_a_picture_that_unpacks_to_too_much_is_not_unpacked() -> None:
    huge = file(np.zeros((300, 300), np.uint8))
    with pytest.raises(NotReadable, match="300 x 300 pixels is too large"):
        Picture(width=4, height=4).read(encoded(huge))


def test_the_same_picture_in_three_writings_is_the_same_numbers() -> None:
    samples = np.arange(12).reshape(3, 4) * 20
    picture = Picture(width=4, height=3)
    of_pgm = picture.read(pgm(samples))
    of_png = picture.read("data:image/png;base64," + encoded(file(samples.astype(np.uint8))))
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
    larger = Picture(width=48, height=60, scale=1.0).read(pgm(samples))
    assert larger.mean() == pytest.approx(samples.mean(), rel=1e-4)


def test_colours_come_in_the_layout_that_is_declared() -> None:
    text = encoded(file(np.array([[[255, 0, 0], [255, 0, 0]]], np.uint8)))
    first = Picture(width=2, height=1, channels=3, scale=1.0).read(text)
    last = Picture(width=2, height=1, channels=3, scale=1.0, layout=Layout.CHANNELS_LAST).read(text)
    assert first.tolist() == [[[255, 255]], [[0, 0]], [[0, 0]]]
    assert last.tolist() == [[[255, 0, 0], [255, 0, 0]]]
    assert Picture(width=2, height=1, scale=1.0, shift=-1.0).read(text)[0, 0, 0] == pytest.approx(
        round(0.299 * 255) - 1
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not a file"),
        ("%%%", "neither base64"),
        ("[1, 2]", "2 numbers are not"),
        ("[1, 2, 3, 256]", "not within"),
        ("[1, 2, 3, null]", "not a list"),
        (encoded(b"P5 2 2 255\nabc"), "not a file"),
        (encoded(b"P2 2 2 9\n1 2 3 10"), "not a file"),
        (encoded(b"P5 99999 99999 255\n"), "too large"),
    ],
)
def test_what_is_no_picture_says_so(text: str, said: str) -> None:
    with pytest.raises(NotReadable, match=said):
        Picture(width=2, height=2).read(text)


def test_a_size_beyond_bounds_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        Picture(width=2, height=10_000).check("inputs.0.picture")
    assert refused.value.field == "inputs.0.picture.height"
