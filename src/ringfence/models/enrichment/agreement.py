"""Whether two variables of one event fit together: addresses, name and mailbox, place, number."""

from __future__ import annotations

from ringfence.models.enrichment.address import normal_place, normal_postal_code
from ringfence.models.enrichment.ip_address import network
from ringfence.models.enrichment.part import Enrichment, Key, Number, Parts
from ringfence.models.enrichment.person_name import name_tokens
from ringfence.models.enrichment.phone import area

_NAN = float("nan")
# First digit of the ZIP code by state (USPS national zones).
_ZONES = {
    "0": "ct connecticut,ma massachusetts,me maine,nh new hampshire,nj new jersey,ri rhode island,"
    "vt vermont,pr puerto rico",
    "1": "de delaware,ny new york,pa pennsylvania",
    "2": "dc district of columbia,md maryland,nc north carolina,sc south carolina,va virginia,"
    "wv west virginia",
    "3": "al alabama,fl florida,ga georgia,ms mississippi,tn tennessee",
    "4": "in indiana,ky kentucky,mi michigan,oh ohio",
    "5": "ia iowa,mn minnesota,mt montana,nd north dakota,sd south dakota,wi wisconsin",
    "6": "il illinois,ks kansas,mo missouri,ne nebraska",
    "7": "ar arkansas,la louisiana,ok oklahoma,tx texas",
    "8": "az arizona,co colorado,id idaho,nm new mexico,nv nevada,ut utah,wy wyoming",
    "9": "ak alaska,ca california,hi hawaii,or oregon,wa washington",
}
_ZONE_BY_STATE = {
    name: digit
    for digit, states in _ZONES.items()
    for state in states.split(",")
    for name in state.split(" ", 1)
}


def split_same(billing: str, shipping: str) -> Parts:
    """Whether both say the same, apart from case and blanks."""
    return (1.0 if normal_place(billing) == normal_place(shipping) else 0.0,), ()


def split_name_and_mailbox(name: str, address: str) -> Parts:
    """How much of the name is in the mailbox name, 0 to 1, counting initials a quarter each."""
    tokens = name_tokens(name)
    mailbox = address.rpartition("@")[0].lower()
    if not tokens or not mailbox:
        return (_NAN,), ()
    found = sum(
        1.0 if token in mailbox else 0.25 * mailbox.startswith(token[0]) for token in tokens
    )
    return (found / len(tokens),), ()


def split_postal_and_state(postal: str, state: str) -> Parts:
    """Whether a US postal code lies in the state; for other states, how common the pair is."""
    code, place = normal_postal_code(postal), normal_place(state)
    zone = _ZONE_BY_STATE.get(place)
    agrees = _NAN if zone is None or len(code) != 5 else float(code[0] == zone)
    return (agrees,), (f"{code[:3]}|{place}",)


def split_network_and_place(ip_address: str, place: str) -> Parts:
    """The pair of network and place."""
    found = network(ip_address)
    return (), (f"{found}|{normal_place(place)}" if found else None,)


def split_phone_and_place(number: str, place: str) -> Parts:
    """The pair of area code and place."""
    found = area(number)
    return (), (f"{found}|{normal_place(place)}" if found else None,)


def split_pair(first: str, second: str) -> Parts:
    """The pair as it is."""
    return (), (f"{normal_place(first)}|{normal_place(second)}",)


SAME = Enrichment(
    numbers=(
        Number("same", "{variable} and {other} are the same", "{variable} and {other} differ"),
    ),
    keys=(),
    split=split_same,
)

NAME_AND_MAILBOX = Enrichment(
    numbers=(Number("overlap", "{x:.0%} of the name is in the mailbox name of {other}"),),
    keys=(),
    split=split_name_and_mailbox,
)

POSTAL_AND_STATE = Enrichment(
    numbers=(Number("agrees", "{variable} lies in {other}", "{variable} does not lie in {other}"),),
    keys=(Key("pair", "postal area in this state"),),
    split=split_postal_and_state,
)

NETWORK_AND_PLACE = Enrichment(
    numbers=(), keys=(Key("pair", "network at this place"),), split=split_network_and_place
)

PHONE_AND_PLACE = Enrichment(
    numbers=(), keys=(Key("pair", "area code at this place"),), split=split_phone_and_place
)

PAIR = Enrichment(numbers=(), keys=(Key("pair", "combination"),), split=split_pair)
