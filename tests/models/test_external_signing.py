from __future__ import annotations

from pathlib import Path

import pytest

from ringfence.errors import InvalidInput
from ringfence.models.external import AwsSignature, Endpoint
from ringfence.models.external.endpoint import check_endpoint
from ringfence.models.external.signing import AwsSigner, NoCredentials

SIGNATURE = AwsSignature(service="sagemaker", region="eu-west-1")
HEADERS = {"Content-Type": "text/csv"}
AT_AWS = "https://runtime.sagemaker.eu-west-1.amazonaws.com/endpoints/xgb/invocations"


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without any credentials."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))


async def test_a_request_is_signed_for_its_service_region_and_body(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session")
    signer = AwsSigner()
    signed = await signer.signed(SIGNATURE, AT_AWS, b"1,2", HEADERS)
    authorization = signed["Authorization"]
    assert authorization.startswith("AWS4-HMAC-SHA256 Credential=AKIATEST/")
    assert "/eu-west-1/sagemaker/aws4_request" in authorization
    assert (signed["Content-Type"], signed["X-Amz-Security-Token"]) == ("text/csv", "session")
    assert "secret" not in str(signed)
    other = await signer.signed(SIGNATURE, AT_AWS, b"1,3", HEADERS)
    assert other["Authorization"] != authorization


async def test_without_credentials_only_a_stand_in_is_asked() -> None:
    signer = AwsSigner()
    assert await signer.signed(SIGNATURE, "http://127.0.0.1:4566/x", b"", HEADERS) == HEADERS
    with pytest.raises(NoCredentials):
        await signer.signed(SIGNATURE, AT_AWS, b"", HEADERS)


@pytest.mark.parametrize(
    ("service", "region", "field"),
    [("", "eu-west-1", "service"), ("sagemaker", "Europe", "region"), ("a/b", "x1", "service")],
)
def test_a_signature_names_a_service_and_a_region(service: str, region: str, field: str) -> None:
    signature = AwsSignature(service=service, region=region)
    endpoint = Endpoint(url=AT_AWS, use_event_variables=False, aws_signature=signature)
    with pytest.raises(InvalidInput, match=rf"aws_signature\.{field}"):
        check_endpoint(endpoint, {}, has_inputs=False)
