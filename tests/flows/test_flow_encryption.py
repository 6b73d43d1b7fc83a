"""Encrypted input: readable by the functions that people run for Amazon Connect, and by no one."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import aws_encryption_sdk
import pytest
from aws_encryption_sdk.identifiers import CommitmentPolicy, EncryptionKeyType, WrappingAlgorithm
from aws_encryption_sdk.internal.crypto.wrapping_keys import WrappingKey
from aws_encryption_sdk.key_providers.raw import RawMasterKeyProvider
from conversations import Bank, action, converse, flow_of, keys, says
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from ringfence.flows.encryption import KeyUnusable, check_key, encrypted

PRIVATE = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC_PEM = (
    PRIVATE.public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode()
)
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "input.example.com")])


def certificate() -> str:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(NAME)
        .issuer_name(NAME)
        .public_key(PRIVATE.public_key())
        .serial_number(7)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=365))
        .sign(PRIVATE, hashes.SHA256())
    )
    return signed.public_bytes(serialization.Encoding.PEM).decode()


class Decrypting(RawMasterKeyProvider):
    """What a function has: the private key, under the names that Amazon Connect uses."""

    provider_id = "AmazonConnect"

    def _get_raw_key(self, key_id: bytes) -> Any:
        return WrappingKey(
            wrapping_algorithm=WrappingAlgorithm.RSA_OAEP_SHA512_MGF1,
            wrapping_key=PRIVATE.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
            wrapping_key_type=EncryptionKeyType.PRIVATE,
        )


def decrypted(message: str, key_id: str = "key-1") -> tuple[str, Any]:
    client = aws_encryption_sdk.EncryptionSDKClient(
        commitment_policy=CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT
    )
    keys = Decrypting()
    keys.add_master_key(key_id)
    plain, header = client.decrypt(source=base64.b64decode(message), key_provider=keys)
    return plain.decode(), header


@pytest.mark.parametrize(
    "pem",
    [
        PUBLIC_PEM,
        PUBLIC_PEM.replace("\n", " "),
        PUBLIC_PEM.replace("\n", "\\n"),
        certificate(),
        certificate().replace("\n", ""),
    ],
)
def test_the_holder_of_the_private_key_reads_what_was_keyed(pem: str) -> None:
    message = encrypted("4111111111111111", "key-1", pem)
    assert "4111" not in message
    assert decrypted(message)[0] == "4111111111111111"


def test_a_message_is_of_the_form_that_amazon_connect_writes() -> None:
    _, header = decrypted(encrypted("123", "key-1", PUBLIC_PEM))
    (data_key,) = header.encrypted_data_keys
    assert (data_key.key_provider.provider_id, data_key.key_provider.key_info) == (
        "AmazonConnect",
        b"key-1",
    )
    assert not header.algorithm.is_committing()
    assert set(header.encryption_context) == {"aws-crypto-public-key"}


def test_two_messages_of_the_same_keys_have_nothing_in_common() -> None:
    one, other = (encrypted("123", "key-1", PUBLIC_PEM) for _ in range(2))
    assert one != other


def elliptic() -> str:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


@pytest.mark.parametrize(
    ("pem", "said"),
    [
        ("", "not in PEM"),
        ("MIIBIjANBg", "not in PEM"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "cannot be read"),
        ("-----BEGIN CERTIFICATE-----\n\xe4\n-----END CERTIFICATE-----", "cannot be read"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "private key"),
        (elliptic(), "not an RSA key"),
    ],
)
def test_a_key_that_cannot_encrypt_is_refused_before_anything_is_encrypted(
    pem: str, said: str
) -> None:
    with pytest.raises(KeyUnusable, match=said):
        check_key(pem)


def asking(key: str, **more: Any) -> str:
    """A flow that stores what is keyed for the holder of a key, and hands it to a function."""
    parameters = {
        "Text": "Your card?",
        "StoreInput": "True",
        "InputTimeLimitSeconds": "5",
        "InputEncryption": {"EncryptionKeyId": "key-1", "Key": key},
        **more,
    }
    errors = {"NoMatchingError": "failed", "InvalidPhoneNumber": "failed"}
    function = {
        "LambdaFunctionARN": "check",
        "LambdaInvocationAttributes": {"card": "$.StoredCustomerInput"},
    }
    return flow_of(
        action("ask", "GetParticipantInput", parameters, "call", errors=errors),
        action("call", "InvokeLambdaFunction", function, "say", errors=errors),
        says("thanks"),
        says("failed", "failed"),
    )


@pytest.mark.parametrize("key", [PUBLIC_PEM, certificate(), "$.Attributes.Key"])
def test_what_is_keyed_leaves_a_flow_only_encrypted(key: str) -> None:
    talk = converse(asking(key), keys("4111111111111111#"), attributes={"Key": PUBLIC_PEM})
    assert talk.said[-1] == "thanks"
    message = talk.bank.invoked[0][1]["Details"]["Parameters"]["card"]
    assert decrypted(message)[0] == "4111111111111111"
    told = repr((talk.events, talk.bank.invoked, talk.state))
    assert "4111111111111111" not in told
    assert message not in repr(talk.events)


def test_a_phone_number_is_encrypted_in_its_international_form() -> None:
    form = {"PhoneNumberValidation": {"NumberFormat": "Local", "CountryCode": "DE"}}
    talk = converse(asking(PUBLIC_PEM, InputValidation=form), keys("030901820#"))
    assert decrypted(talk.bank.invoked[0][1]["Details"]["Parameters"]["card"])[0] == "+4930901820"
    assert "30901820" not in repr(talk.blocks[0])


def test_what_a_function_decrypts_and_gives_back_shows_in_no_event() -> None:
    talk = converse(asking(PUBLIC_PEM), keys("83627#"), bank=Bank({"echo": "it was 83627"}))
    assert talk.said[-1] == "thanks"
    assert talk.blocks[1].external_results["echo"].startswith("it was ")
    assert "83627" not in repr(talk.events)


def test_nothing_keyed_is_not_encrypted() -> None:
    talk = converse(asking(PUBLIC_PEM), bank=Bank())
    assert talk.bank.invoked[0][1]["Details"]["Parameters"]["card"] == "Timeout"


@pytest.mark.parametrize("key", ["", "pem", elliptic(), "$.Attributes.Missing"])
def test_for_a_key_that_is_of_no_use_nothing_is_asked(key: str) -> None:
    talk = converse(asking(key), keys("4111#"))
    assert talk.said == ["failed"]
    assert "nothing was asked" in talk.blocks[0].detail
    assert talk.bank.invoked == []
