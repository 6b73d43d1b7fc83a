from __future__ import annotations

import re
from math import gcd

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ringfence.carddata import looks_like_card_number
from ringfence.simulation import identifiers, networks
from ringfence.simulation.places import PLACES

SEEDS = st.integers(0, 2**63 - 1)


@given(SEEDS)
def test_ids_have_their_form_and_are_all_different(seed: int):
    random = np.random.default_rng(seed)
    for made, form in (
        (identifiers.customer_ids(random, 50), r"u\d\d-\d[a-z]{3}-[A-Z]{2}\d{3}"),
        (identifiers.merchant_ids(random, 50), r"\d{3}-\d\d-\d{4}"),
        (identifiers.opaque_ids(random, "card_", 50), r"card_(?:[a-z][0-9a-z]{3}){4}"),
    ):
        assert len(set(made)) == 50
        assert all(re.fullmatch(form, text) for text in made)
        assert not any(looks_like_card_number(text) for text in made)


def test_ids_repeat_only_after_all_have_been_given():
    for size in (identifiers._CUSTOMERS, identifiers._MERCHANTS):
        assert gcd(size, identifiers._STEP) == 1


@given(SEEDS)
def test_addresses_are_hosts_of_one_of_the_networks_of_their_place(seed: int):
    random = np.random.default_rng(seed)
    places = np.arange(len(PLACES))
    first, again = (networks.addresses_in(random, places) for _ in range(2))
    texts = networks.written(np.append(first, networks.NOWHERE)).to_list()
    assert texts.pop() is None
    for place, address, text in zip(places, first, texts, strict=True):
        assert text == ".".join(str(byte) for byte in int(address).to_bytes(4, "big"))
        assert address // 65_536 in networks._OF_PLACE[place]
        assert 1 <= address % 256 <= 254
    assert (first != again).any()


def test_no_network_is_shared_by_two_places_nor_with_a_data_centre():
    owned = [set(row) for row in networks._OF_PLACE.tolist()]
    hosting = {first * 256 + second for first, second in networks.HOSTING}
    assert len(set.union(*owned)) == sum(map(len, owned))
    assert not hosting & set.union(*owned)
