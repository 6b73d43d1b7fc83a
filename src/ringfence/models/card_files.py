"""A model card as a file: HTML that needs nothing beside it, Markdown, or JSON."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from markupsafe import Markup

from ringfence.errors import InvalidInput
from ringfence.models.card import ModelCard
from ringfence.models.card_charts import charts_of

if TYPE_CHECKING:
    import jinja2

_FOLDER = Path(__file__).with_name("templates")


class CardFormat(StrEnum):
    """How a card is written."""

    HTML = "html"
    MARKDOWN = "md"
    JSON = "json"


def format_of(path: Path) -> CardFormat:
    """The format that a file's name asks for. Raises `InvalidInput`."""
    suffix = path.suffix.lower().removeprefix(".")
    names = {"html": CardFormat.HTML, "htm": CardFormat.HTML, "md": CardFormat.MARKDOWN,
             "markdown": CardFormat.MARKDOWN, "json": CardFormat.JSON}  # fmt: skip
    if suffix not in names:
        raise InvalidInput(
            f"cannot tell the format of {path.name!r}",
            field="output",
            expected="a file name that ends in .html, .md or .json",
        )
    return names[suffix]


def card_file(card: ModelCard, kind: CardFormat) -> str:
    """The card as the content of a file."""
    if kind is CardFormat.JSON:
        return msgspec.json.format(msgspec.json.encode(card)).decode() + "\n"
    if kind is CardFormat.MARKDOWN:
        return _templates().get_template("card.md.j2").render(card=card)
    return (
        _templates()
        .get_template("card.html.j2")
        .render(card=card, charts=charts_of(card), body_only=False)
    )


def card_body(card: ModelCard) -> Markup:
    """The card as a piece of HTML, to be shown within a page that has its colours."""
    made = _templates().get_template("card.html.j2")
    # The template escapes what it is given.
    return Markup(made.render(card=card, charts=charts_of(card), body_only=True))  # noqa: S704


@cache
def card_style() -> str:
    """The style sheet that `card_body` needs, for elements within one of class `model-card`."""
    return (_FOLDER / "card.css").read_text(encoding="utf-8")


@cache
def _templates() -> jinja2.Environment:
    import jinja2

    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        # Markdown is for people's eyes and shows no markup of its own.
        autoescape=jinja2.select_autoescape(("html.j2",), default=False),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["percent"] = _percent
    made.filters["number"] = _number
    made.filters["count"] = "{:,}".format
    made.filters["day"] = "{:%Y-%m-%d}".format
    made.filters["moment"] = "{:%Y-%m-%d %H:%M} UTC".format
    made.filters["cell"] = _cell
    return made


def _percent(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{value * 100:.{digits}f} %"


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _cell(value: object) -> str:
    """A text within Markdown, also within a table: what comes from data makes no markup."""
    text = str(value).replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")
    return text.replace("<", "&lt;").replace("`", "'")
