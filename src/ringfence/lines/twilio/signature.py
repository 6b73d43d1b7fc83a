"""Whether a request comes from Twilio: `X-Twilio-Signature`, as "Webhooks security" has it.

HMAC-SHA1 over the address as Twilio called it and the fields of the form, sorted by name, each
with its values. A body that is no form is signed by its SHA-256 in the query (`bodySHA256`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit, urlunsplit

_PORTS = {"https": 443, "http": 80}


def signature(auth_token: str, url: str, form: Sequence[tuple[str, str]] = ()) -> str:
    """The signature of a request with the fields `form` to `url`."""
    signed = url + "".join(f"{name}{value}" for name, value in sorted(set(form)))
    digest = hmac.new(auth_token.encode(), signed.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def is_signed(
    auth_token: str, url: str, form: Sequence[tuple[str, str]], body: bytes, given: str
) -> bool:
    """Whether `given` is the signature of this account for a request to `url`.

    Of a `body` that is no form, `url` has the hash; `form` is empty then. Twilio writes the usual
    port of an address or not, so both are tried.
    """
    hashes = [v for name, v in parse_qsl(urlsplit(url).query) if name == "bodySHA256"]
    if body and not form:
        found = hashlib.sha256(body).hexdigest().encode()
        if not hashes or not hmac.compare_digest(found, hashes[-1].lower().encode()):
            return False
    signed_as = [signature(auth_token, written, form) for written in _spellings(url)]
    return any(hmac.compare_digest(one.encode(), given.encode()) for one in signed_as)


def _spellings(url: str) -> set[str]:
    parts = urlsplit(url)
    host = parts.netloc
    usual = _PORTS.get(parts.scheme)
    if parts.port is None:
        return {url, urlunsplit(parts._replace(netloc=f"{host}:{usual}"))}
    if parts.port == usual:
        return {url, urlunsplit(parts._replace(netloc=host.rpartition(":")[0]))}
    return {url}
