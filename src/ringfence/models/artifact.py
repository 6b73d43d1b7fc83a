"""What a model version scores with: variables, learned encodings, trees and the score map.

Everything is text and numbers: LightGBM's own text format and JSON. Nothing is ever unpickled, so
a stored model can be read by anybody and cannot run code.
"""

from __future__ import annotations

import zlib
from typing import TypeAlias

import msgspec

from ringfence.errors import Unavailable
from ringfence.events.variables import Variable
from ringfence.profiles import ProfilePlan

_FORMAT = 1


class Levels(msgspec.Struct, frozen=True, tag="levels"):
    """A part with few levels: its code by level. A level that was not learned has the code -1."""

    codes: dict[str, float]


class Rates(msgspec.Struct, frozen=True, tag="rates"):
    """A part with many levels: how fraudulent and how frequent each one is.

    The pair is (log-odds of the smoothed fraud share, log(1 + occurrences in 10,000 events)).
    `unknown` stands for a level that was not learned.
    """

    table: dict[str, tuple[float, float]]
    unknown: tuple[float, float]


Encoding: TypeAlias = Levels | Rates


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """A trained model, complete.

    `encodings` are by feature stem (`email_address.domain`); `features` are the columns of the
    matrix in their order; `bounds[i]` is the lowest log-odds that scores `i + 1`; `trees` is a
    LightGBM text model. `plan` says what is remembered of entities, its values being the last of
    the features; None for a model that looks at an event alone. `probabilities` are of fraud at
    some scores, in order, with straight lines between; empty where that is not known.
    """

    event_type: str
    variables: tuple[Variable, ...]
    encodings: dict[str, Encoding]
    features: tuple[str, ...]
    bounds: tuple[float, ...]
    trees: str
    plan: ProfilePlan | None = None
    probabilities: tuple[tuple[float, float], ...] = ()


class _Document(msgspec.Struct, frozen=True):
    format: int
    artifact: Artifact


def pack(artifact: Artifact) -> bytes:
    """The artifact as bytes; equal artifacts give equal bytes."""
    document = _Document(_FORMAT, artifact)
    return zlib.compress(msgspec.json.encode(document, order="deterministic"), 6)


def unpack(packed: bytes) -> Artifact:
    """The artifact that `pack` wrote. Raises `Unavailable` for another format or damaged bytes."""
    try:
        document = msgspec.json.decode(zlib.decompress(packed), type=_Document)
    except (zlib.error, msgspec.DecodeError) as error:
        raise Unavailable(f"the stored model cannot be read: {error}", field="artifact") from None
    if document.format != _FORMAT:
        raise Unavailable(
            f"the stored model has format {document.format}",
            field="artifact",
            expected=f"format {_FORMAT}, which this release reads",
        )
    return document.artifact
