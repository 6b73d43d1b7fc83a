"""What the files of this folder declare their operations with."""

from __future__ import annotations

from ringfence.aws.wire.json_service import Call, Operations

__all__ = ["Call", "Operations"]
