"""E-mail addresses: what the mailbox name looks like, and whose domain it is."""

from __future__ import annotations

import string

from ringfence.models.enrichment.mail_domains import DISPOSABLE, FREE
from ringfence.models.enrichment.part import Enrichment, Key, Number, Parts

_NAN = float("nan")
# Tables that take characters out: a text gets shorter by as many as it has.
_DIGITS = str.maketrans("", "", string.digits)
_LETTERS = str.maketrans("", "", string.ascii_letters)
_VOWELS = str.maketrans("", "", "aeiouyAEIOUY")


def split_email(address: str) -> Parts:
    """The parts of `local@domain`; an address without `@` is all local part."""
    local, at, domain = address.rpartition("@")
    if not at:
        local, domain = address, ""
    domain = domain.lower()
    mailbox, plus, _ = local.partition("+")
    length = len(mailbox)
    letters = length - len(mailbox.translate(_LETTERS))
    vowels = length - len(mailbox.translate(_VOWELS))
    digits = length - len(mailbox.translate(_DIGITS))
    ends_in_digits = length - len(mailbox.rstrip("0123456789"))
    labels = domain.rsplit(".", 2)
    # Disposable services hand out subdomains as well.
    registered = ".".join(labels[-2:])
    return (
        (
            float(length),
            digits / length if length else _NAN,
            float(ends_in_digits),
            vowels / letters if letters else _NAN,
            float(mailbox.count(".") + mailbox.count("_") + mailbox.count("-")),
            1.0 if plus else 0.0,
            1.0 if domain in DISPOSABLE or registered in DISPOSABLE else 0.0,
            1.0 if domain in FREE else 0.0,
            1.0 if local and len(labels) > 1 else 0.0,
        ),
        (domain or None, labels[-1] if len(labels) > 1 else None),
    )


EMAIL = Enrichment(
    numbers=(
        Number("local_length", "the mailbox name has {x:.0f} characters"),
        Number("local_digits", "{x:.0%} of the mailbox name is digits"),
        Number("local_ending", "the mailbox name ends in {x:.0f} digits"),
        Number("local_vowels", "{x:.0%} of the mailbox name's letters are vowels"),
        Number("local_separators", "the mailbox name has {x:.0f} separators"),
        Number("local_tag", "the mailbox has a +tag", "the mailbox has no +tag"),
        Number(
            "disposable",
            "the mail domain is a throw-away service",
            "the mail domain is no known throw-away service",
        ),
        Number("free", "the mail domain is a free service", "the mail domain is no free service"),
        Number("well_formed", "the address is well formed", "the address is malformed"),
    ),
    keys=(Key("domain", "mail domain"), Key("top_level", "mail domain ending")),
    split=split_email,
)
