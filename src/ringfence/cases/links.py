"""Links to the page that asks a cardholder about a payment: signed, for a while, and used once.

A link is the id of the text that it was sent in, when it expires, and a signature over both with a
key of the vault: who does not have it can neither guess nor prolong one, and a wrong one never
reaches the database.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from datetime import UTC, datetime

from ringfence.cards import Vault

_ID_BYTES, _TIME_BYTES, _TAG_BYTES = 12, 4, 12
_PURPOSE = "link to a case"


def new_link_id() -> str:
    """An id that nobody guesses: 16 characters."""
    return _text(secrets.token_bytes(_ID_BYTES))


def signed_link(vault: Vault, link_id: str, expires_at: datetime) -> str:
    """What stands in a link's address: 38 characters of base64url."""
    payload = _bytes(link_id) + int(expires_at.timestamp()).to_bytes(_TIME_BYTES, "big")
    return _text(payload + vault.tag(_PURPOSE, payload)[:_TAG_BYTES])


def read_link(vault: Vault, signed: str, at: datetime) -> str | None:
    """The id of a link that this server has signed and that has not expired; else None."""
    try:
        content = _bytes(signed)
    except (binascii.Error, ValueError):
        return None
    if len(content) != _ID_BYTES + _TIME_BYTES + _TAG_BYTES or _text(content) != signed:
        return None
    payload, tag = content[:-_TAG_BYTES], content[-_TAG_BYTES:]
    if not secrets.compare_digest(tag, vault.tag(_PURPOSE, payload)[:_TAG_BYTES]):
        return None
    expires_at = datetime.fromtimestamp(int.from_bytes(payload[_ID_BYTES:], "big"), UTC)
    return _text(payload[:_ID_BYTES]) if at < expires_at else None


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    padded = text + "=" * (-len(text) % 4)
    return base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True)
