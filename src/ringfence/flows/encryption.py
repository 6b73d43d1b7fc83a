"""Encrypting what was keyed, as Amazon Connect does: only the holder of a private key reads it.

The result is a message of the AWS Encryption SDK, in base64, which the functions that people
already run for Amazon Connect decrypt. Its data key is wrapped with RSA (OAEP, SHA-512, MGF1) under
the provider `AmazonConnect` and the id of the key in the flow. There is no encryption context of
its own, and, as at Amazon Connect, no key commitment: a function has to allow such messages.

Sources: Amazon Connect administrator guide, "Encrypt sensitive customer input"; AWS Encryption SDK
message format reference, version 1.
"""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

PROVIDER = "AmazonConnect"
SMALLEST_KEY_BITS = 2048

_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_LINE = 64  # characters of base64 in a line of PEM (RFC 7468)


class KeyUnusable(Exception):
    """What a flow gives as its key is no certificate and no public RSA key."""


def check_key(pem: str) -> None:
    """Raise `KeyUnusable` unless `encrypted` can encrypt for this key."""
    _public_key(pem)


def encrypted(text: str, key_id: str, pem: str) -> str:
    """`text`, encrypted for the holder of the private key; base64 of an Encryption SDK message.

    `pem` is an X.509 certificate or a public key, with its line breaks or without. Takes some
    milliseconds, and about a second the first time: not for an event loop. Raises `KeyUnusable`.
    """
    import aws_encryption_sdk
    from aws_encryption_sdk.identifiers import Algorithm, CommitmentPolicy

    client = aws_encryption_sdk.EncryptionSDKClient(
        commitment_policy=CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT
    )
    message, _ = client.encrypt(
        source=text.encode(),
        key_provider=_key_provider(key_id, _public_key(pem)),
        algorithm=Algorithm.AES_256_GCM_IV12_TAG16_HKDF_SHA384_ECDSA_P384,
    )
    return base64.b64encode(message).decode("ascii")


def _key_provider(key_id: str, key: RSAPublicKey) -> Any:
    from aws_encryption_sdk.identifiers import EncryptionKeyType, WrappingAlgorithm
    from aws_encryption_sdk.internal.crypto.wrapping_keys import WrappingKey
    from aws_encryption_sdk.key_providers.raw import RawMasterKey
    from cryptography.hazmat.primitives import serialization

    return RawMasterKey(
        provider_id=PROVIDER,
        key_id=key_id.encode(),
        wrapping_key=WrappingKey(
            wrapping_algorithm=WrappingAlgorithm.RSA_OAEP_SHA512_MGF1,
            wrapping_key=key.public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            ),
            wrapping_key_type=EncryptionKeyType.PUBLIC,
        ),
    )


@lru_cache(maxsize=64)
def _public_key(pem: str) -> RSAPublicKey:
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    kind, content = _with_lines(pem)
    key: object
    try:
        if kind == "CERTIFICATE":
            key = x509.load_pem_x509_certificate(content).public_key()
        elif kind in ("PUBLIC KEY", "RSA PUBLIC KEY"):
            key = serialization.load_pem_public_key(content)
        else:
            raise KeyUnusable(f"the key is a {kind.lower()}, not a certificate or a public key")
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyUnusable("the key cannot be read as PEM") from error
    if not isinstance(key, RSAPublicKey):
        raise KeyUnusable("the key is not an RSA key")
    if key.key_size < SMALLEST_KEY_BITS:
        raise KeyUnusable(f"the key has {key.key_size} bits, fewer than {SMALLEST_KEY_BITS}")
    return key


def _with_lines(pem: str) -> tuple[str, bytes]:
    """What kind of PEM it is, and the PEM: the fields of a flow swallow line breaks."""
    match = _PEM.search(pem.replace("\\n", "\n"))
    if match is None:
        raise KeyUnusable("the key is not in PEM: there is no BEGIN and END")
    kind, body = match[1], "".join(match[2].split())
    lines = (body[at : at + _LINE] for at in range(0, len(body), _LINE))
    text = "\n".join((f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----", ""))
    return kind, text.encode("ascii", errors="replace")
