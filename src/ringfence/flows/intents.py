"""Which intent is meant by words: by the longest phrase that is found in them.

Case, accents and punctuation do not count. A phrase is found only as whole words, so that "no" is
not found in "know".
"""

from __future__ import annotations

import unicodedata

from ringfence.flows.instance import Bot


def intent_of(bot: Bot, words: str) -> str | None:
    """The intent that `words` (or a key, `1`) mean, the bot's fallback, or None.

    Of several phrases that are found the longest counts, of equally long ones the first.
    """
    said = _spaced(words)
    longest, meant = 0, None
    for intent, phrases in bot.intents.items():
        for phrase in phrases:
            wanted = _spaced(phrase)
            if wanted in said and len(wanted) > longest and wanted.strip():
                longest, meant = len(wanted), intent
    return meant or bot.fallback or None


def plain(text: str) -> str:
    """Lower case words with single spaces; keys (`*`, `#`) stay."""
    folded = unicodedata.normalize("NFKD", text).casefold()
    decomposed = unicodedata.normalize("NFKD", folded)
    kept = (
        each if each.isalnum() or each in "*#" else "" if each in "'’" else " "
        for each in decomposed
        if not unicodedata.combining(each)
    )
    return " ".join("".join(kept).split())


def _spaced(text: str) -> str:
    return f" {plain(text)} "
