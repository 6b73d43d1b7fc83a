"""Signing in and out, and what other sites cannot do with a browser that is signed in."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import httpx2
import pytest
from api_servers import PASSWORD, Server
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

COOKIE = "ringfence_session"


@pytest.fixture
def analyst(api: httpx2.Client) -> str:
    name = f"analyst-{uuid.uuid4().hex[:8]}"
    made = api.post("/v1/users", json={"name": name, "password": PASSWORD, "role": "analyst"})
    assert made.status_code == 201
    return name


@pytest.fixture
def browser(server: Server) -> Iterator[httpx2.Client]:
    """A client without a key, which keeps cookies."""
    with server.client(key=None) as client:
        yield client


def sign_in(
    browser: httpx2.Client, name: str, password: str = PASSWORD, **more: str
) -> httpx2.Response:
    return browser.post("/sign-in", data={"name": name, "password": password, **more})


def test_the_cookie_is_kept_from_scripts_and_other_sites(
    browser: httpx2.Client, analyst: str
) -> None:
    reply = sign_in(browser, analyst)

    assert (reply.status_code, reply.headers["location"]) == (303, "/")
    name_and_value, *flags = reply.headers["set-cookie"].split("; ")
    assert name_and_value.startswith(f"{COOKIE}=")
    assert len(name_and_value) > len(COOKIE) + 40
    assert {flag.lower() for flag in flags} >= {"httponly", "samesite=strict", "path=/"}
    assert browser.get("/v1/me").json()["role"] == "analyst"


def test_each_sign_in_has_a_token_of_its_own(browser: httpx2.Client, analyst: str) -> None:
    browser.cookies.set(COOKIE, "planted", domain="127.0.0.1")
    tokens = {sign_in(browser, analyst).headers["set-cookie"] for _ in range(2)}

    assert len(tokens) == 2
    assert not any("planted" in token for token in tokens)


def test_signing_out_ends_the_session_and_not_only_the_cookie(
    server: Server, browser: httpx2.Client, analyst: str
) -> None:
    sign_in(browser, analyst)
    kept = browser.cookies[COOKIE]

    reply = browser.post("/sign-out")

    assert (reply.status_code, reply.headers["location"]) == (303, "/sign-in")
    assert COOKIE not in browser.cookies
    with server.client(key=None) as thief:
        assert thief.get("/v1/me", headers={"cookie": f"{COOKIE}={kept}"}).status_code == 401


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://[", "http://127.0.0.1"])
def test_another_site_can_neither_change_nor_listen(
    origin: str, server: Server, browser: httpx2.Client, analyst: str
) -> None:
    sign_in(browser, analyst)
    before = server.rows()

    for method, path in (
        ("POST", "/v1/cards/any/block"),
        ("PUT", "/v1/lists/any"),
        ("DELETE", "/v1/keys/any"),
        ("POST", "/sign-out"),
        ("POST", "/v1/transactions"),
    ):
        reply = browser.request(method, path, headers={"origin": origin}, content=b"{}")
        assert reply.status_code == 403
        assert reply.json()["error"]["field"] == "origin"
    for path in ("/v1/phones/ws?number=%2B14155550123", "/_nicegui_ws/socket.io/"):
        headers = {"cookie": f"{COOKIE}={browser.cookies[COOKIE]}", "origin": origin}
        url = server.url.replace("http", "ws", 1) + path
        with pytest.raises(InvalidStatus), connect(url, additional_headers=headers):
            pass
    assert server.rows() == before
    assert browser.get("/v1/me").status_code == 200


def test_our_own_pages_may_change_and_listen(
    server: Server, browser: httpx2.Client, analyst: str
) -> None:
    sign_in(browser, analyst)

    reply = browser.post(
        "/v1/cards/none/block", headers={"origin": server.url}, json={"reason": "x"}
    )

    assert reply.status_code == 404
    headers = {"cookie": f"{COOKIE}={browser.cookies[COOKIE]}", "origin": server.url}
    url = server.url.replace("http", "ws", 1) + "/v1/phones/ws?number=%2B14155550123"
    with connect(url, additional_headers=headers) as phone:
        phone.ping()


def test_a_form_of_another_site_signs_nobody_in(browser: httpx2.Client, analyst: str) -> None:
    for origin in ("https://evil.example", "http://["):
        reply = browser.post(
            "/sign-in",
            data={"name": analyst, "password": PASSWORD},
            headers={"origin": origin},
        )
        assert reply.status_code == 403
        assert "set-cookie" not in reply.headers


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "/\\evil.example/",
        "\\\\evil.example/",
        "/\t/evil.example/",
        "/\n/evil.example/",
        "/\t//evil.example/",
        "javascript:alert(1)",
        " //evil.example",
        "//[",
        "evil.example",
        "",
    ],
)
def test_signing_in_leads_nowhere_else(target: str, browser: httpx2.Client, analyst: str) -> None:
    reply = sign_in(browser, analyst, next=target)

    assert reply.status_code == 303
    assert httpx2.URL(browser.base_url).join(reply.headers["location"]).host == "127.0.0.1"
    assert reply.headers["location"] == "/"
    shown = browser.get("/sign-in", params={"next": target}).text
    assert 'name="next" value="/"' in shown


def test_signing_in_leads_to_the_page_that_was_asked_for(
    browser: httpx2.Client, analyst: str
) -> None:
    asked = browser.get("/cases?open=true", headers={"accept": "text/html"})
    assert asked.headers["location"] == "/sign-in?next=%2Fcases%3Fopen%3Dtrue"

    reply = sign_in(browser, analyst, next="/cases?open=true")

    assert reply.headers["location"] == "/cases?open=true"


def test_the_sign_in_page_shows_what_was_typed_as_text(browser: httpx2.Client) -> None:
    reply = sign_in(browser, '"><script>alert(1)</script>', "wrong", next='/"><script>x')

    assert reply.status_code == 401
    assert "<script>" not in reply.text
    assert reply.headers["content-security-policy"].startswith("default-src 'none'")
    assert reply.headers["cache-control"] == "no-store"
    assert "set-cookie" not in reply.headers


def test_guessing_locks_the_name_for_a_while_whether_or_not_it_exists(
    browser: httpx2.Client, analyst: str
) -> None:
    for name in (analyst, f"nobody-{uuid.uuid4().hex[:8]}"):
        said = [sign_in(browser, name, f"guess number {n}") for n in range(6)]
        assert {reply.status_code for reply in said} == {401}
        assert "the name or the password is wrong" in said[0].text
        assert "too many failed attempts" in said[-1].text
    right = sign_in(browser, analyst)
    assert right.status_code == 401
    assert "set-cookie" not in right.headers


def test_a_malformed_form_is_refused(browser: httpx2.Client) -> None:
    assert browser.post("/sign-in").status_code == 401
    broken = browser.post(
        "/sign-in",
        content=b"--x\r\nbroken",
        headers={"content-type": "multipart/form-data; boundary=y"},
    )
    assert broken.status_code in (400, 401)
    file = browser.post("/sign-in", files={"name": ("a.txt", b"admin"), "password": b"x"})
    assert file.status_code == 401
