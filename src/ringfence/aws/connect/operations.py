"""What the files of this folder declare their operations with."""

from __future__ import annotations

from ringfence.aws.wire.operations import Call, Operations

__all__ = ["Call", "Operations"]
