"""URLs of brokers: where they are, who we are there, and what they call a stream."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, unquote, urlsplit

import msgspec

from ringfence.errors import InvalidInput

FIELD = "setting orchestration_url"
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^?#]*)(?:\?([^#]*))?")


class Address(msgspec.Struct, frozen=True):
    """A broker and a place in it.

    `servers` are `host:port`; `folders` what stands before the last part of the path, such as a
    virtual host or the number of a database.
    """

    servers: tuple[str, ...]
    user: str | None
    password: str | None
    folders: tuple[str, ...]
    place: str

    def with_login(self, scheme: str) -> list[str]:
        """The URL of each server."""
        login = ""
        if self.user is not None:
            login = self.user if self.password is None else f"{self.user}:{self.password}"
            login += "@"
        return [f"{scheme}://{login}{server}" for server in self.servers]


def read_address(url: str, port: int, *, place: str, folders: int = 0) -> Address:
    """The address in a URL `scheme://user:password@host:port,host:port/folder/place`.

    `port` is taken where none is given; `place` is the word for the last part of the path, before
    which `folders` others may stand. Raises `InvalidInput`, which does not repeat the URL.
    """
    parts = parts_of(url)
    login, _, hosts = parts.netloc.rpartition("@")
    user, colon, password = login.partition(":")
    servers = tuple(_server(host.strip(), port, parts) for host in hosts.split(","))
    path = [unquote(part) for part in parts.path.split("/") if part]
    if not path or len(path) > folders + 1:
        raise InvalidInput(
            f"does not name one {place}",
            field=FIELD,
            expected=f"{parts.scheme}://host:{port}/{place.upper()}",
        )
    return Address(
        servers=servers,
        # As it stands in the URL: what needs it plain decodes it.
        user=user if login else None,
        password=password if colon else None,
        folders=tuple(path[:-1]),
        place=path[-1],
    )


def parts_of(url: str) -> SplitResult:
    """The parts of a URL, whose authority may name several servers, which `urlsplit` refuses where
    one of them has an IPv6 address. Raises `InvalidInput`."""
    found = _URL.fullmatch(url.partition("#")[0])
    if found is None:
        raise InvalidInput("not a URL", field=FIELD, expected="such as nats://host:4222/subject")
    scheme, authority, path, query = found.groups(default="")
    return SplitResult(scheme.lower(), authority, path, query, "")


def shown(url: str) -> str:
    """A URL without its login, its query, and what comes after."""
    parts = parts_of(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _server(host: str, port: int, parts: SplitResult) -> str:
    expected = f"{parts.scheme}://host:{port}/..."
    try:
        found = urlsplit(f"//{host}")
        name, given = found.hostname, found.port
    except ValueError:
        raise InvalidInput("has no usable port", field=FIELD, expected=expected) from None
    if not name:
        raise InvalidInput("names no host", field=FIELD, expected=expected)
    if ":" in name:
        name = f"[{name}]"
    return f"{name}:{given or port}"
