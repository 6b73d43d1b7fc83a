"""SSML: what a prompt's markup is, and how a value gets into it without becoming markup."""

from __future__ import annotations

import re
from io import StringIO
from xml.etree.ElementTree import Element, TreeBuilder
from xml.sax.handler import ContentHandler
from xml.sax.saxutils import escape
from xml.sax.xmlreader import AttributesImpl

from defusedxml.expatreader import DefusedExpatParser  # type: ignore[import-untyped]

from ringfence.flows.participant import PromptFailed

DEEPEST = 50  # elements inside each other; speech walks them recursively

# What Amazon Polly's voices take, with what SSML allows beside it and nobody hears.
KNOWN_TAGS = frozenset(
    {"speak", "p", "s", "w", "break", "emphasis", "lang", "mark", "phoneme", "prosody", "say-as"}
    | {"sub", "amazon:auto-breaths", "amazon:breath", "amazon:domain", "amazon:effect"}
    | {"desc", "lexicon", "meta", "metadata"}
)
_LONGEST_TAG = 40  # characters of a tag that are told

_DOCUMENT = re.compile(
    r"(?:<\?xml\b[^>]*\?>\s*)?(?:<!--.*?-->\s*)*<(?:speak(?=[\s/>])|!DOCTYPE\b)", re.DOTALL
)
_BARE_AMPERSAND = re.compile(r"&(?!(?:[A-Za-z]+|#\d+|#x[0-9A-Fa-f]+);)")
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def parse_ssml(text: str) -> Element:
    """The tree of a prompt, with `speak` as its root; text without that root is wrapped.

    Tags keep their names as written (`amazon:effect`), whether the prefix is declared or not, and
    any tag is allowed. Raises `PromptFailed` when the markup is broken, declares entities or a
    document type, or is nested deeper than 50 elements.
    """
    handler = _Builder()
    parser = DefusedExpatParser(forbid_dtd=True)
    parser.setContentHandler(handler)
    try:
        parser.parse(StringIO(document(text)))
        root = handler.tree.close()
    except PromptFailed:
        raise
    except Exception as error:
        raise PromptFailed(f"the SSML cannot be read: {error}") from error
    if root.tag != "speak":
        raise PromptFailed(f"the SSML begins with <{root.tag}>, not with <speak>")
    return root


def document(text: str) -> str:
    """`text` with a `<speak>` root; plain text may have bare ampersands."""
    text = text.strip()
    if _DOCUMENT.match(text):
        return text
    if "<" not in text:
        text = _BARE_AMPERSAND.sub("&amp;", text)
    return f"<speak>{text}</speak>"


def escaped(value: str) -> str:
    """`value` as text inside SSML, without the characters that XML cannot hold."""
    return escape(_NOT_IN_XML.sub("", value), {'"': "&quot;", "'": "&apos;"})


def says_nothing(root: Element) -> bool:
    """Whether a prompt has neither a word nor a pause."""
    return not "".join(root.itertext()).strip() and not any(
        element.tag in ("break", "sub", "phoneme") for element in root.iter()
    )


def unknown_tags(root: Element) -> tuple[str, ...]:
    """The tags that no voice knows, each once, in order; only their text is said."""
    tags = (element.tag for element in root.iter())
    return tuple(dict.fromkeys(tag[:_LONGEST_TAG] for tag in tags if tag.lower() not in KNOWN_TAGS))


class _Builder(ContentHandler):
    """Builds a tree without namespaces: flows use `amazon:effect` and declare no prefix."""

    def __init__(self) -> None:
        super().__init__()
        self.tree = TreeBuilder()
        self._depth = 0

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802
        self._depth += 1
        if self._depth > DEEPEST:
            raise PromptFailed(f"the SSML is nested deeper than {DEEPEST} elements")
        self.tree.start(name, dict(attrs.items()))

    def endElement(self, name: str) -> None:  # noqa: N802
        self._depth -= 1
        self.tree.end(name)

    def characters(self, content: str) -> None:
        self.tree.data(content)
