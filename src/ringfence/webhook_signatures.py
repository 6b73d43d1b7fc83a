"""Signatures of what is posted to somebody's address, as the Standard Webhooks specification 1.0.0
has them, so that receivers verify them with the libraries that exist for it.

A leaf that every room may use. The headers are `webhook-id`, `webhook-timestamp` (seconds since
1970) and `webhook-signature`, which is `v1,` and the base64 of the HMAC-SHA256 over
`id.timestamp.body`. A secret `whsec_...` is base64; any other is taken as it stands.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from ringfence.errors import InvalidInput

_PREFIX = "whsec_"


def signing_key(secret: str, field: str) -> bytes:
    """The key of a secret. Raises `InvalidInput` naming `field`."""
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput(
            "is not base64 after whsec_",
            field=field,
            expected="whsec_ and base64, or any other text",
        ) from None


def signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    """The value of `webhook-signature`."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
