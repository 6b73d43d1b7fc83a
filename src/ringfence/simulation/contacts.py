"""What a payment says about its payer: name, address, e-mail and phone, true or made up."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from ringfence.simulation import words
from ringfence.simulation.chance import Flags, Integers, Random, Texts, choose, texts
from ringfence.simulation.places import COUNTRIES, PLACES, Place

_CODE = re.compile("[#@]")
_LETTERS = "ABCDEFGHJKLMNPRSTUVWXY"


@dataclass(frozen=True, slots=True)
class Contacts:
    """The payer's details, one row each; `None` where a detail was not given."""

    name: Texts
    email: Texts
    phone: Texts
    address: Texts
    city: Texts
    postal: Texts
    state: Texts

    def take(self, rows: Integers) -> Contacts:
        """The details of these rows."""
        return Contacts(*(column[rows] for column in self.columns()))

    def replaced(self, where: Flags, other: Contacts, *, only: Sequence[str] = ()) -> Contacts:
        """These details with the rows `where` taken from `other`, or `only` some of the columns."""
        return Contacts(
            *(
                np.where(where, getattr(other, field.name), getattr(self, field.name))
                if not only or field.name in only
                else getattr(self, field.name)
                for field in fields(self)
            )
        )

    def columns(self) -> tuple[Texts, ...]:
        """The seven columns in their order."""
        return tuple(getattr(self, field.name) for field in fields(self))


def household_contacts(random: Random, place: Integers) -> Contacts:
    """True details of people living at or near each place."""
    names = [_name(random) for _ in range(len(place))]
    addresses = [_street_address(random) for _ in names]
    cities, postals, states, phones = [], [], [], []
    own_town = random.random(len(place)) < 0.45
    for index, in_town in zip(place.tolist(), own_town.tolist(), strict=True):
        home = PLACES[index]
        cities.append(town(random) if in_town else home.city)
        postals.append(_coded(random, home.postal))
        states.append(home.region)
        phones.append(_phone(random, home))
    return Contacts(
        name=texts([f"{first} {last}" for first, last in names]),
        email=texts([_own_email(random, *name) for name in names]),
        phone=texts(phones),
        address=texts(addresses),
        city=texts(cities),
        postal=texts(postals),
        state=texts(states),
    )


def invented_contacts(random: Random, place: Integers, *, disposable: float) -> Contacts:
    """Details that a fraudster makes up, with a city, a postal code and a state that seldom agree.

    `disposable` is the share of throw-away mailboxes.
    """
    american = np.array([row.country == "US" for row in PLACES])
    at_home = np.flatnonzero(american)
    count = len(place)
    other = at_home[random.integers(0, len(at_home), count)]
    third = at_home[random.integers(0, len(at_home), count)]
    agrees = random.random(count) < 0.22
    rows = zip(place.tolist(), other.tolist(), third.tolist(), agrees.tolist(), strict=True)
    names, emails, phones, addresses, cities, postals, states = [], [], [], [], [], [], []
    for claimed, postal_of, state_of, fits in rows:
        home = PLACES[claimed]
        names.append(" ".join(_name(random)))
        emails.append(_thrown_email(random, disposable))
        phones.append(_odd_phone(random) if random.random() < 0.6 else _phone(random, home))
        addresses.append(_street_address(random))
        cities.append(town(random) if random.random() < 0.75 else home.city)
        postals.append(_coded(random, (home if fits else PLACES[postal_of]).postal))
        states.append((home if fits else PLACES[state_of]).region)
    columns = (names, emails, phones, addresses, cities, postals, states)
    return Contacts(*(texts(column) for column in columns))


def mistyped_contacts(random: Random, contacts: Contacts) -> Contacts:
    """The same people after a move, a new mailbox or a slip: other details, honestly meant."""
    count = len(contacts.name)
    place = choose(random, [row.weight for row in PLACES], count)
    new = household_contacts(random, place)
    moved, mailbox, slip, odd = (random.random(count) < share for share in (0.4, 0.35, 0.4, 0.2))
    changed = contacts.replaced(moved, new, only=("address", "city", "postal", "state"))
    changed = changed.replaced(mailbox, new, only=("email",))
    changed = changed.replaced(slip & ~moved, new, only=("postal",))
    changed = changed.replaced(random.random(count) < 0.2, new, only=("phone",))
    odd_phones = texts([_odd_phone(random) for _ in range(count)])
    return dataclasses.replace(changed, phone=np.where(odd, odd_phones, changed.phone))


def town(random: Random) -> str:
    """The name of a small town, such as `Lake Jamesfurt`."""
    stem = _one(random, words.LAST_NAMES if random.random() < 0.5 else words.FIRST_NAMES)
    kind = random.random()
    if kind < 0.35:
        return stem + _one(random, words.TOWN_TAILS)
    head = _one(random, words.TOWN_HEADS)
    return f"{head} {stem}" if kind < 0.65 else f"{head} {stem}{_one(random, words.TOWN_TAILS)}"


def _name(random: Random) -> tuple[str, str]:
    return _one(random, words.FIRST_NAMES), _one(random, words.LAST_NAMES)


def _street_address(random: Random) -> str:
    number = int(10 ** (1 + 3 * random.random()))
    name = _one(random, words.LAST_NAMES if random.random() < 0.6 else words.FIRST_NAMES)
    street = f"{number} {name} {_one(random, words.STREETS)}"
    kind = random.random()
    if kind < 0.16:
        return f"{street} Suite {random.integers(100, 999)}"
    return f"{street} Apt. {random.integers(1, 999)}" if kind < 0.36 else street


def _own_email(random: Random, first: str, last: str) -> str | None:
    first, last = first.lower(), last.lower()
    digits = str(random.integers(1, 99))
    kind = random.random()
    if kind < 0.02:
        return None
    if kind < 0.27:
        handle = f"{first}.{last}"
    elif kind < 0.45:
        handle = f"{first[0]}{last}{digits}"
    elif kind < 0.62:
        handle = f"{first}{digits}"
    elif kind < 0.72:
        handle = f"{last}{first[0]}"
    elif kind < 0.80:
        handle = f"{first}_{last}"
    else:  # A family's or a nickname's mailbox.
        handle = f"{_one(random, words.FIRST_NAMES).lower()}{digits}"
    if random.random() < 0.008:
        return f"{handle}@{_one(random, words.DISPOSABLE_DOMAINS)}"
    if random.random() < 0.12:
        return f"{handle}@{_one(random, words.LAST_NAMES).lower()}-group.example"
    return f"{handle}@{_mail_domain(random)}"


def _thrown_email(random: Random, disposable: float) -> str:
    kind = random.random()
    if kind < 0.3:
        letters = "".join(chr(97 + int(i)) for i in random.integers(0, 26, random.integers(6, 11)))
        handle = f"{letters}{random.integers(1, 9999)}"
    elif kind < 0.7:
        handle = f"{_one(random, words.FIRST_NAMES).lower()}{random.integers(1, 99)}"
    else:
        first, last = _name(random)
        handle = f"{first}.{last}{random.integers(1, 99)}".lower()
    if random.random() < disposable:
        return f"{handle}@{_one(random, words.DISPOSABLE_DOMAINS)}"
    return f"{handle}@{_mail_domain(random)}"


def _mail_domain(random: Random) -> str:
    return _DOMAINS[int(np.searchsorted(_DOMAIN_EDGES, random.random(), side="right"))]


def _phone(random: Random, place: Place) -> str | None:
    if random.random() < 0.02:
        return None
    number = _coded(random, place.phone)
    country = COUNTRIES[place.country]
    if country.calling_code == "1":
        shape = _one(random, words.AMERICAN_PHONES)
        return shape.format(a=number[:3], b=number[3:6], c=number[6:])
    # The brackets keep a number of twelve digits from reading like a card number.
    if random.random() < 0.6:
        return f"+{country.calling_code} ({number[:2]}) {number[2:]}"
    return country.trunk + number


def _odd_phone(random: Random) -> str:
    """A number of an area code that nobody has."""
    return _one(random, words.AMERICAN_PHONES).format(
        a=_one(random, words.UNASSIGNED_AREA_CODES),
        b=random.integers(200, 999),
        c=f"{random.integers(0, 9999):04d}",
    )


def _coded(random: Random, pattern: str) -> str:
    def symbol(found: re.Match[str]) -> str:
        if found[0] == "#":
            return str(random.integers(0, 10))
        return _LETTERS[random.integers(0, len(_LETTERS))]

    return _CODE.sub(symbol, pattern)


def _one(random: Random, options: Sequence[str]) -> str:
    # Scaling a float draws the same words several times faster than `integers`.
    return options[int(random.random() * len(options))]


_DOMAINS = tuple(words.MAIL_DOMAINS)
_DOMAIN_EDGES = np.cumsum(list(words.MAIL_DOMAINS.values())) / sum(words.MAIL_DOMAINS.values())
_DOMAIN_EDGES[-1] = 1.0
