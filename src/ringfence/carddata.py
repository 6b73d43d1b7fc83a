"""Card numbers and track data in running text: found, and masked.

A leaf that every room may use, where events are read and where logs are written. It errs on the
side of finding: a number of the right shape is taken for a card number although it may be
something else. Standard library only, and cheap on text without long numbers.

Sources: ISO/IEC 7812 (numbers, check digit), ISO/IEC 7813 (tracks), the networks' published
issuer ranges.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_MIN_DIGITS, _MAX_DIGITS = 12, 19
_MASK = "************"

_LONG_NUMBER = re.compile(r"\d(?:[ -]?\d){11}")
# Not glued to a letter or a digit, and not the fraction of a decimal number.
_RUN = re.compile(r"(?<![^\W_])(?<!\d\.)\d+(?:[ -]\d+)*(?![^\W_])")
_UUID = re.compile(
    r"(?<![^\W_])[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?![^\W_])", re.ASCII
)
# `=` separates number and expiry on the stripe, `D` in the chip's track 2 equivalent data.
_TRACK = re.compile(
    r"(?:%B|(?<![^\W_])B)(\d[\d ]{7,22})\^[^^\r\n]{0,64}\^[^?\s]*\??"
    r"|(?:;(\d{8,19})=|(?<![^\W_])(\d{12,19})(?:=(?=\d{4})|D(?=\d{7})))[^?\s]*\??"
)
_SECRET_NAME = re.compile(
    r"(?:^|_)(?:cvv2?|cvc2?|cvn2?|cid|csc|cav2?|security_?code|pin|pin_block|track[12]?)(?:_|$)",
    re.IGNORECASE,
)

# (first prefix, last prefix, lengths); the two prefixes have equally many digits.
_ISSUERS: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("4", "4", (13, 16, 19)),  # Visa
    ("51", "55", (16,)),  # Mastercard
    ("2221", "2720", (16,)),
    ("34", "34", (15,)),  # American Express
    ("37", "37", (15,)),
    ("6011", "6011", (16, 17, 18, 19)),  # Discover
    ("644", "649", (16, 17, 18, 19)),
    ("65", "65", (16, 17, 18, 19)),
    ("3528", "3589", (16, 17, 18, 19)),  # JCB
    ("300", "305", (14, 16, 17, 18, 19)),  # Diners Club
    ("3095", "3095", (14, 16, 17, 18, 19)),
    ("36", "36", (14, 15, 16, 17, 18, 19)),
    ("38", "39", (14, 16, 17, 18, 19)),
    ("5018", "5018", tuple(range(12, 20))),  # Maestro
    ("5020", "5020", tuple(range(12, 20))),
    ("5038", "5038", tuple(range(12, 20))),
    ("5893", "5893", tuple(range(12, 20))),
    ("6304", "6304", tuple(range(12, 20))),
    ("6759", "6759", tuple(range(12, 20))),
    ("6761", "6763", tuple(range(12, 20))),
    ("62", "62", (16, 17, 18, 19)),  # UnionPay
    ("2200", "2204", (16, 17, 18, 19)),  # Mir
    ("508", "508", (16,)),  # RuPay
    ("60", "60", (16,)),
    ("81", "82", (16,)),
    ("506", "506", (16, 18, 19)),  # Verve, Elo
    ("9792", "9792", (16,)),  # Troy
)
_DOUBLED = str.maketrans("0123456789", "0246813579")


def luhn_valid(digits: str) -> bool:
    """Whether the last digit is the right check digit (ISO/IEC 7812-1, annex B).

    `digits` is decimal digits only; anything else, and the empty text, is False.
    """
    if not (digits.isascii() and digits.isdigit()):
        return False
    straight = digits[-1::-2]
    doubled = digits[-2::-2].translate(_DOUBLED)
    return sum(map(int, straight + doubled)) % 10 == 0


def looks_like_card_number(text: str) -> bool:
    """Whether the text holds what may be a card number.

    That is a run of 12 to 19 digits, single spaces or hyphens between them, with an issuer's
    prefix and that issuer's length; its check digit may be wrong, as in a slip of the keyboard. A
    check digit alone does not make a card: one in ten times in milliseconds and order numbers has
    the right one. A UUID is no card, nor is one digit repeated.
    """
    return next(_card_numbers(text), None) is not None


def looks_like_track_data(text: str) -> bool:
    """Whether the text holds track 1 or track 2 of a card, with or without its sentinels."""
    # A track has a separator; most texts have none, and this is much cheaper than the pattern.
    if "=" not in text and "^" not in text and "D" not in text:
        return False
    return _TRACK.search(text) is not None


def mask_card_numbers(text: str) -> str:
    """The text with every card number and track replaced by `************` and the last four.

    What comes out holds no card number and no track data any more. Meant for logs.
    """
    while True:
        masked = _TRACK.sub(_masked_track, text) if looks_like_track_data(text) else text
        found = list(_card_numbers(masked))
        for start, end in reversed(found):
            masked = (
                masked[:start]
                + _MASK
                + masked[start:end].replace(" ", "").replace("-", "")[-4:]
                + masked[end:]
            )
        # What was left of one number may stand beside digits that make another with it.
        if masked == text:
            return masked
        text = masked


def names_a_secret(name: str) -> bool:
    """Whether a variable of this name would hold a security code, a PIN or track data."""
    return _SECRET_NAME.search(name) is not None


def _card_numbers(text: str) -> Iterator[tuple[int, int]]:
    """Where card numbers stand, (start, end), in order, none overlapping another."""
    if len(text) < _MIN_DIGITS or not _LONG_NUMBER.search(text):
        return
    for start, end in _between_uuids(text):
        # The neighbours of the part take part in the look-arounds, hence `pos` and no slice.
        for run in _RUN.finditer(text, start, end):
            yield from _in_run(run.group(), run.start())


def _between_uuids(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for uuid in _UUID.finditer(text):
        yield start, uuid.start()
        start = uuid.end()
    yield start, len(text)


def _in_run(run: str, offset: int) -> Iterator[tuple[int, int]]:
    digits = _ascii_digits(run)
    if len(digits) < _MIN_DIGITS:
        return
    if len(digits) <= _MAX_DIGITS and _has_issuer(digits):
        yield offset, offset + len(run)
        return
    # A card number beside other numbers: what is made of several groups must fit both an issuer
    # and the check digit, lest every row of figures be taken for cards.
    groups = [(match.start(), match.end()) for match in re.finditer(r"\d+", run)]
    first = 0
    while first < len(groups):
        last = _longest_card(run, groups, first)
        if last is not None:
            yield offset + groups[first][0], offset + groups[last][1]
            first = last
        first += 1


def _longest_card(run: str, groups: list[tuple[int, int]], first: int) -> int | None:
    digits, longest = "", None
    for index in range(first, len(groups)):
        digits += _ascii_digits(run[groups[index][0] : groups[index][1]])
        if len(digits) > _MAX_DIGITS:
            break
        alone = index == first
        if len(digits) >= _MIN_DIGITS and (_has_issuer(digits) and (alone or luhn_valid(digits))):
            longest = index
    return longest


def _ascii_digits(text: str) -> str:
    if text.isascii():
        return text.replace(" ", "").replace("-", "")
    return "".join(str(int(character)) for character in text if character.isdecimal())


def _has_issuer(digits: str) -> bool:
    if digits.count(digits[0]) == len(digits):
        return False
    return any(
        first <= digits[: len(first)] <= last and len(digits) in lengths
        for first, last, lengths in _ISSUERS
    )


def _masked_track(track: re.Match[str]) -> str:
    number = next(group for group in track.groups() if group)
    return _MASK + number.replace(" ", "")[-4:]
