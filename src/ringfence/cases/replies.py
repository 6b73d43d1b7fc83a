"""What a cardholder's SMS says: an answer, the wish to stop, or nothing that is clear."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum


class Meaning(StrEnum):
    """What was meant."""

    LEGIT = "legit"
    FRAUD = "fraud"
    STOP = "stop"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply read. `reference` is that of a case in capitals, empty where none is named."""

    meaning: Meaning
    reference: str = ""


# Whole words without accents. Those that carriers honour for stopping: CTIA Messaging Principles
# and Best Practices, 5.1.3; and their like in our other languages.
_WORDS = {
    meaning: frozenset(words.split())
    for meaning, words in (
        (Meaning.LEGIT, "1 yes y ja oui si sim yep ok"),
        (Meaning.FRAUD, "2 no n nein non nao fraud betrug fraude frode"),
        (
            Meaning.STOP,
            "stop stopall unsubscribe cancel end quit optout stopp arret arreter parar alto baja "
            "basta fine abmelden sair",
        ),
    )
}
_REFERENCE = re.compile(r"[ACDEFHJKLMNPRTUVWXY34679]{5}")


def read_reply(text: str, references: frozenset[str] = frozenset()) -> Reply:
    """What an SMS says, of somebody with open cases of these `references`.

    A wish to stop counts wherever it stands; an answer counts when all words that mean something
    mean the same, so that `yes ... no` is unclear rather than either.
    """
    words = re.findall(r"\w+", _plain(text)[:500])
    named = {word.upper() for word in words if _REFERENCE.fullmatch(word.upper())} & references
    meant = {
        meaning
        for meaning, known in _WORDS.items()
        for word in words
        if word in known and word.upper() not in named
    }
    reference = named.pop() if len(named) == 1 else ""
    if Meaning.STOP in meant:
        return Reply(Meaning.STOP, reference)
    if len(meant) != 1:
        return Reply(Meaning.UNCLEAR, reference)
    return Reply(meant.pop(), reference)


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign))
