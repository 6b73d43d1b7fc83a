"""Browsers' user agents: browser, operating system, kind of device."""

from __future__ import annotations

import re

from ringfence.models.enrichment.part import Enrichment, Key, Number, Parts

# Order matters: every browser claims to be the ones before it as well.
_BROWSERS = (
    ("edge", "edg"),
    ("opera", "opr/"),
    ("opera", "opera"),
    ("samsung", "samsungbrowser"),
    ("firefox", "firefox"),
    ("firefox", "fxios"),
    ("chrome", "chrome"),
    ("chrome", "crios"),
    ("safari", "safari"),
    ("internet explorer", "msie"),
    ("internet explorer", "trident"),
)
_SYSTEMS = (
    ("android", "android"),
    ("ios", "iphone"),
    ("ios", "ipad"),
    ("windows", "windows"),
    ("mac", "mac os"),
    ("mac", "macintosh"),
    ("linux", "linux"),
)
_AUTOMATED = re.compile(r"bot|crawl|spider|headless|phantom|curl|wget|python|java/|http-?client")
_VERSION = re.compile(
    r"(?:edg|opr|firefox|fxios|chrome|crios|version|msie|opera)[a-z]*[/ ](\d{1,3})"
)


def split_user_agent(text: str) -> Parts:
    """The parts of a `User-Agent` header."""
    lower = text.lower()
    browser = next((name for name, sign in _BROWSERS if sign in lower), "other")
    system = next((name for name, sign in _SYSTEMS if sign in lower), "other")
    version = _VERSION.search(lower)
    return (
        (
            float(len(text)),
            float(version[1]) if version else float("nan"),
            1.0 if "mobi" in lower or system in ("android", "ios") else 0.0,
            1.0 if _AUTOMATED.search(lower) else 0.0,
        ),
        (browser, system, f"{browser} on {system}"),
    )


USER_AGENT = Enrichment(
    numbers=(
        Number("length", "it has {x:.0f} characters"),
        Number("version", "the browser's version is {x:.0f}"),
        Number("mobile", "it is a mobile device", "it is no mobile device"),
        Number("automated", "it looks automated", "it does not look automated"),
    ),
    keys=(
        Key("browser", "browser"),
        Key("system", "operating system"),
        Key("both", "browser and system"),
    ),
    split=split_user_agent,
)
