"""Signatures that were accepted are not accepted twice, and what is kept of them is bounded."""

from __future__ import annotations

import hashlib

from ringfence.aws.replays import AcceptedSignatures

START = 1_700_000_000


def _signature(number: int) -> bytes:
    return hashlib.sha256(str(number).encode()).digest()


def test_the_same_signature_with_the_same_marks_is_taken_once_as_long_as_its_date_is_accepted() -> (
    None
):
    accepted = AcceptedSignatures(900)
    assert accepted.add(_signature(1), "call", START, START)
    for later in (0, 1, 600, 900):
        assert not accepted.add(_signature(1), "call", START, START + later)


def test_two_calls_alike_in_one_second_are_two_calls() -> None:
    accepted = AcceptedSignatures(900)
    assert accepted.add(_signature(1), ("one", "attempt=1"), START, START)
    assert accepted.add(_signature(1), ("two", "attempt=1"), START, START)
    assert accepted.add(_signature(1), ("one", "attempt=2"), START, START + 3)
    assert not accepted.add(_signature(1), ("one", "attempt=2"), START, START + 3)


def test_other_marks_do_not_help_a_signature_that_comes_again_later() -> None:
    accepted = AcceptedSignatures(900)
    assert accepted.add(_signature(1), "call", START, START)
    assert not accepted.add(_signature(1), "forged", START, START + 10)
    assert not accepted.add(_signature(1), "forged again", START, START + 899)


def test_signatures_whose_date_is_accepted_no_more_are_forgotten() -> None:
    accepted = AcceptedSignatures(900)
    for second in range(3000):
        for number in range(3):
            at = START + second
            assert accepted.add(_signature(3 * second + number), "call", at, at)
    assert len(accepted) == 3 * 901


def test_when_there_are_too_many_the_oldest_are_refused_rather_than_taken_twice() -> None:
    accepted = AcceptedSignatures(900, most=100)
    for number in range(300):
        made_at = START + number // 10
        assert accepted.add(_signature(number), "call", made_at, made_at)
    assert len(accepted) <= 100
    for number in range(300):
        assert not accepted.add(_signature(number), "call", START + number // 10, START + 30)
    assert not accepted.add(_signature(1000), "call", START, START + 30)
    assert accepted.add(_signature(1000), "call", START + 30, START + 30)


def test_no_second_can_hold_more_than_can_be_looked_through() -> None:
    accepted = AcceptedSignatures(900)
    taken = sum(
        accepted.add(number.to_bytes(8, "big") * 4, "call", START, START)
        for number in range(20_000)
    )
    # Neighbours may look alike where one ends and the next begins; that is refused, not taken.
    assert 15_000 < taken <= 16_384
