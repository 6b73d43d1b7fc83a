"""Where customers are mastered, as the operator writes it: `dynamodb://TABLE`."""

from __future__ import annotations

import re

from ringfence.errors import InvalidInput

_EXPECTED = "dynamodb://TABLE, the table's name in 3 to 255 letters, digits and _ . -"
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://(.*)", re.DOTALL)
# The service's own rule for names of tables.
_TABLE_NAME = re.compile(r"[A-Za-z0-9_.\-]{3,255}")


def read_customers_url(url: str) -> str:
    """The name of the table that the URL names. Region, endpoint and credentials are not in it:
    boto3 finds them by its own rules. Raises `InvalidInput` naming `customers_url`."""
    match = _SCHEME.fullmatch(url.strip())
    if match is None:
        raise InvalidInput("not a URL", field="customers_url", expected=_EXPECTED)
    scheme, place = match[1].lower(), match[2].removesuffix("/")
    if scheme != "dynamodb":
        raise InvalidInput(
            f"customers cannot be kept in {scheme[:32]!r}",
            field="customers_url",
            expected=_EXPECTED,
        )
    if not place:
        raise InvalidInput("names no table", field="customers_url", expected=_EXPECTED)
    if not _TABLE_NAME.fullmatch(place):
        raise InvalidInput("not a name of a table", field="customers_url", expected=_EXPECTED)
    return place
