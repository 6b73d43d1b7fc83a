"""Signing requests to endpoints of AWS, with the credentials that boto3 finds.

botocore is loaded with the first endpoint that wants a signature. Looking for credentials may ask a
metadata server, so it is done in a thread, and what was found is kept; botocore renews it.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ringfence.models.external.endpoint import AwsSignature

if TYPE_CHECKING:
    from botocore.credentials import Credentials

# So long it is not looked again where none were found.
_WITHOUT_SECONDS = 60.0


class NoCredentials(Exception):
    """There is nothing to sign with, and the endpoint would refuse what is not signed."""


class AwsSigner:
    """Signs requests; one per process. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._credentials: Credentials | None = None
        self._looked_at: float | None = None

    async def signed(
        self, signature: AwsSignature, url: str, content: bytes, headers: Mapping[str, str]
    ) -> dict[str, str]:
        """The headers with those of the signature of a POST.

        Without credentials they stay as they are, for stand-ins of AWS take any request; raises
        `NoCredentials` for an address of AWS itself.
        """
        return await asyncio.to_thread(self._signed, signature, url, content, headers)

    def _signed(
        self, signature: AwsSignature, url: str, content: bytes, headers: Mapping[str, str]
    ) -> dict[str, str]:
        credentials = self._found()
        if credentials is None:
            if (urlsplit(url).hostname or "").endswith((".amazonaws.com", ".amazonaws.com.cn")):
                raise NoCredentials
            return dict(headers)
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        request = AWSRequest(method="POST", url=url, data=content, headers=dict(headers))
        frozen = credentials.get_frozen_credentials()
        SigV4Auth(frozen, signature.service, signature.region).add_auth(request)
        return dict(request.headers.items())

    def _found(self) -> Credentials | None:
        with self._lock:
            if self._credentials is None and (
                self._looked_at is None or time.monotonic() - self._looked_at > _WITHOUT_SECONDS
            ):
                from botocore.session import Session

                self._credentials = Session().get_credentials()
                self._looked_at = time.monotonic()
            return self._credentials
