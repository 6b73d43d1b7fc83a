"""Passwords: argon2id hashes, and what a password must be."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from ringfence.errors import InvalidInput

if TYPE_CHECKING:
    from argon2 import PasswordHasher

LEAST_LENGTH = 12
_MOST_LENGTH = 1024


def hash_password(password: str, *, field: str = "password") -> str:
    """The argon2id hash of a password, in PHC string format. Takes some 50 ms by design.

    Raises `InvalidInput` naming `field` for one that is too short (PCI DSS 4.0.1, 8.3.6).
    """
    normal = _normal(password)
    if not LEAST_LENGTH <= len(normal) <= _MOST_LENGTH:
        raise InvalidInput(
            "too short" if len(normal) < LEAST_LENGTH else "too long",
            field=field,
            expected=f"{LEAST_LENGTH} to {_MOST_LENGTH} characters",
        )
    if len(set(normal)) < 4:
        raise InvalidInput(
            "too easy to guess", field=field, expected="at least 4 different characters"
        )
    return _hasher().hash(normal)


def password_fits(password: str, password_hash: str | None) -> bool:
    """Whether the hash is of this password. Takes as long when there is no hash."""
    from argon2.exceptions import InvalidHashError, VerificationError

    normal = _normal(password)[: _MOST_LENGTH + 1]
    try:
        _hasher().verify(password_hash or _nobodys_hash(), normal)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def is_outdated(password_hash: str) -> bool:
    """Whether the hash was made with weaker parameters than those of today."""
    return _hasher().check_needs_rehash(password_hash)


def _normal(password: str) -> str:
    # The same password may arrive composed or decomposed, depending on the keyboard.
    return unicodedata.normalize("NFC", password.encode(errors="replace").decode())


@lru_cache(maxsize=1)
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    import secrets

    return _hasher().hash(secrets.token_urlsafe(32))
