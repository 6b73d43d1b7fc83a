"""The vault: card numbers unreadable at rest, and found without being read.

Each number is sealed with AES-256-GCM under a random nonce, bound to its card's id, and found by
HMAC-SHA256 under another key. Both keys are derived from one master key by HKDF (RFC 5869), so
the keyed hash cannot be undone by whoever holds the database without the key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError

from ringfence.cards import tables
from ringfence.cards.numbers import CardNumber
from ringfence.errors import InvalidInput, Unavailable
from ringfence.storage import Database, now

KEY_FILE = "vault.key"
_KEY_BYTES = 32
_NONCE_BYTES = 12
_EXPECTED_KEY = "base64 of 32 bytes, as `openssl rand -base64 32` prints"


class Vault:
    """Seals, opens and finds card numbers with one master key of 32 bytes.

    `key_id` tells keys apart, and tells nothing about them. Raises `InvalidInput` naming
    `vault_key` for a key of another length.
    """

    __slots__ = ("_lookup_key", "_sealer", "_tag_key", "_text_sealer", "key_id")

    def __init__(self, master_key: bytes):
        if len(master_key) != _KEY_BYTES:
            raise InvalidInput(
                f"has {len(master_key)} bytes", field="vault_key", expected=_EXPECTED_KEY
            )
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._sealer = AESGCM(_derive(master_key, b"seal"))
        self._text_sealer = AESGCM(_derive(master_key, b"seal texts"))
        self._lookup_key = _derive(master_key, b"lookup")
        self._tag_key = _derive(master_key, b"tag")
        self.key_id = _derive(master_key, b"check")[:8].hex()

    def seal(self, card_id: str, number: CardNumber) -> bytes:
        """The number, encrypted for this card: nonce, then ciphertext and tag."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._sealer.encrypt(nonce, number.digits.encode(), card_id.encode())

    def open(self, card_id: str, sealed: bytes) -> CardNumber:
        """The number that was sealed for this card.

        Raises `Unavailable` when it was sealed with another key, for another card, or changed.
        """
        from cryptography.exceptions import InvalidTag

        nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            digits = self._sealer.decrypt(nonce, ciphertext, card_id.encode())
        except (InvalidTag, ValueError):
            raise Unavailable(f"the number of card {card_id} cannot be decrypted") from None
        return CardNumber(digits.decode())

    def hash_of(self, number: CardNumber) -> bytes:
        """What a card is found by: 32 bytes, the same for the same number and key."""
        return hmac.digest(self._lookup_key, number.digits.encode(), hashlib.sha256)

    def seal_text(self, purpose: str, text: str) -> bytes:
        """A secret other than a card number, encrypted under a key of its own.

        `purpose` says what it is and whose, such as `access key RFAK...`; it cannot be opened for
        another one.
        """
        return self.seal_bytes(purpose, text.encode())

    def seal_bytes(self, purpose: str, content: bytes) -> bytes:
        """The same as `seal_text`, of what is no text."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._text_sealer.encrypt(nonce, content, purpose.encode())

    def open_text(self, purpose: str, sealed: bytes) -> str:
        """The text that was sealed for this purpose.

        Raises `Unavailable` when it was sealed with another key, for another purpose, or changed.
        """
        return self.open_bytes(purpose, sealed).decode()

    def open_bytes(self, purpose: str, sealed: bytes) -> bytes:
        """What `seal_bytes` sealed for this purpose. Raises as `open_text` does."""
        from cryptography.exceptions import InvalidTag

        nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._text_sealer.decrypt(nonce, ciphertext, purpose.encode())
        except (InvalidTag, ValueError):
            raise Unavailable(f"the secret of {purpose} cannot be decrypted") from None

    def tag(self, purpose: str, content: bytes) -> bytes:
        """What proves that this server has written `content`, for this purpose: 32 bytes."""
        return hmac.digest(self._tag_key, purpose.encode() + b"\0" + content, hashlib.sha256)

    def __repr__(self) -> str:
        return f"Vault(key_id={self.key_id!r})"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a vault is not to be pickled")


def open_vault(data_dir: Path, vault_key: str | None, database: Database | None = None) -> Vault:
    """The vault with the operator's key, or with that of the key file in `data_dir`.

    `vault_key` is base64 of 32 bytes. Without it the file `vault.key` is read; the first time it
    is made, readable by its owner alone. With a `database`, its cards must be sealed with that
    key. Raises `InvalidInput` naming `vault_key`, `Unavailable` when the file cannot be read or
    made, or for a database with another key.
    """
    vault = Vault(_read_key(vault_key, "vault_key")) if vault_key else _from_file(data_dir)
    if database is not None:
        with database.write() as connection:
            check_vault(connection, vault)
    return vault


def check_vault(connection: Connection, vault: Vault) -> None:
    """Make sure that the cards of this database are, and will be, sealed with this vault's key.

    The first call notes the key, so `connection` must be able to write. Raises `Unavailable`
    naming `vault_key` when the cards were sealed with another one.
    """
    table = tables.vault_keys
    noted = select(table.c.key_id).where(table.c.purpose == "cards")
    key_id = connection.execute(noted).scalar()
    if key_id is None:
        first = insert(table).values(purpose="cards", key_id=vault.key_id, since=now())
        try:
            with connection.begin_nested():
                connection.execute(first)
            return
        except IntegrityError:  # another process noted its key at the same time
            key_id = connection.execute(noted).scalar_one()
    require_key(vault, key_id)


def require_key(vault: Vault, key_id: str) -> None:
    """Raise `Unavailable` naming `vault_key` unless this is the vault's key."""
    if key_id != vault.key_id:
        raise Unavailable(
            "the cards in the database were encrypted with another key",
            field="vault_key",
            expected=f"the key with the check value {key_id}; this one has {vault.key_id}",
        )


def _from_file(data_dir: Path) -> Vault:
    path = data_dir / KEY_FILE
    try:
        if not path.exists():
            _make_key_file(path)
        if os.name == "posix" and path.stat().st_mode & 0o077:
            _warn_of_readers(path)
        return Vault(_read_key(path.read_text(encoding="ascii", errors="replace"), str(path)))
    except OSError as error:
        raise Unavailable(
            f"the vault key cannot be read or made: {error.strerror or error}", field=str(path)
        ) from error


def _derive(master_key: bytes, purpose: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    info = b"ringfence vault " + purpose
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(master_key)


def _read_key(text: str, field: str) -> bytes:
    try:
        key = base64.b64decode(
            text.strip().translate(str.maketrans("-_", "+/")).encode("ascii"), validate=True
        )
    except (binascii.Error, UnicodeEncodeError):
        raise InvalidInput("not base64", field=field, expected=_EXPECTED_KEY) from None
    if len(key) != _KEY_BYTES:
        raise InvalidInput(f"has {len(key)} bytes", field=field, expected=_EXPECTED_KEY)
    return key


def _make_key_file(path: Path) -> None:
    """Whole or not at all, and never over a key that another process made meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(_KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
        _sync_directory(path.parent)
    finally:
        draft.unlink()


def _warn_of_readers(path: Path) -> None:
    import structlog

    log = structlog.get_logger(__name__)
    log.warning("the vault key can be read by other users", file=str(path), expected="mode 0600")


def _sync_directory(directory: Path) -> None:
    # Cards sealed with a key whose file is gone after a power cut would be lost.
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
