"""A line remembers which calls it has dialled, and does not grow for ever with them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ringfence.lines.dialled import Dialled


@given(st.lists(st.integers(0, 12)), st.integers(1, 8))
def test_a_call_is_dialled_once_unless_many_others_were_since(calls: list[int], kept: int) -> None:
    dialled = Dialled(kept)
    latest: list[int] = []
    for call in calls:
        assert dialled.add(str(call)) is (call not in latest)
        if call not in latest:
            latest = [*latest, call][-kept:]
