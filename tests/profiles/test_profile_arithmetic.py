"""The arithmetic of one key against a plain one that keeps every event."""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.profiles import arithmetic, formulas, memory
from ringfence.profiles.advancing import pack, unpack
from ringfence.profiles.arithmetic import Measure, compile_measures

HORIZON, BUCKETS, DELAY = 1200.0, 12, 250.0
WIDTH = HORIZON / BUCKETS
SPAN = BUCKETS + math.ceil(DELAY / WIDTH) + 1
NAN = math.nan
Seen = tuple[float, float, int]

_EVENTS = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 60).map(lambda n: n * 50.0), st.floats(0, 3_000)),
        st.one_of(st.just(NAN), st.integers(0, 9).map(float), st.floats(0.01, 1e6)),
        st.one_of(st.just(-1), st.integers(0, 7).map(lambda n: n * 0x10003)),
    ),
    max_size=60,
)


def run(events: Sequence[Seen], *measures: Measure) -> list[tuple[float, ...]]:
    compiled = compile_measures(measures)
    state = compiled.fresh()
    return [compiled.step(state, at, (value, text)) for at, value, text in events]


def bucket(at: float) -> int:
    return int(at * 1000) // int(WIDTH * 1000)


def in_window(before: Sequence[Seen], at: float, span: int = BUCKETS) -> list[Seen]:
    """The events that a window of `span` buckets holds for an event at `at`: what had not been too
    late when it came, was not forgotten since, and is not younger than the bucket of the event."""
    held: list[Seen] = []
    head = -(10**9)
    for event in before:
        if bucket(event[0]) > head - span:
            held.append(event)
        head = max(head, bucket(event[0]))
        held = [other for other in held if bucket(other[0]) > head - span]
    newest = max(head, bucket(at))
    return [
        event
        for event in held
        if bucket(at) - span < bucket(event[0]) <= bucket(at) and bucket(event[0]) > newest - span
    ]


def close(one: float, other: float) -> bool:
    both_missing = math.isnan(one) and math.isnan(other)
    return both_missing or math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-6)


@given(_EVENTS)
def test_a_window_holds_what_its_buckets_hold(events: list[Seen]) -> None:
    found = run(
        events,
        Measure("count", horizon=HORIZON, buckets=BUCKETS),
        Measure("sum", value=0, horizon=HORIZON, buckets=BUCKETS),
        Measure("mean", value=0, horizon=HORIZON, buckets=BUCKETS),
        Measure("ratio", value=0, horizon=HORIZON, buckets=BUCKETS),
        Measure("share", value=1, horizon=HORIZON, buckets=BUCKETS),
        Measure("distinct", value=1, horizon=HORIZON, buckets=BUCKETS),
    )
    for place, (at, value, text) in enumerate(events):
        held = in_window(events[:place], at)
        numbers = [v for _, v, _ in held if v == v]
        texts = [t for _, _, t in held if t >= 0]
        mean = fmean(numbers) if numbers else NAN
        expected = (
            len(held),
            sum(numbers),
            mean,
            value / mean if mean else NAN,
            texts.count(text) / len(texts) if texts and text >= 0 else NAN,
            formulas.DISTINCT_VALUES[len(set(texts))],
        )
        for one, other in zip(found[place], expected, strict=True):
            assert close(one, other), (place, found[place], expected)


@given(_EVENTS)
def test_for_ever_holds_everything(events: list[Seen]) -> None:
    found = run(
        events,
        Measure("count"),
        Measure("mean", value=0),
        Measure("deviation", value=0),
        Measure("share", value=1),
        Measure("age"),
        Measure("since_last"),
    )
    for place, (at, value, text) in enumerate(events):
        before = events[:place]
        numbers = [v for _, v, _ in before if v == v]
        texts = [t for _, _, t in before if t >= 0]
        times = [t for t, _, _ in before]
        mean = fmean(numbers) if numbers else NAN
        spread = max(pstdev(numbers), 0.01 * mean, 1e-9) if numbers else NAN
        expected = (
            len(before),
            mean,
            (value - mean) / spread if len(numbers) > 1 else NAN,
            texts.count(text) / len(texts) if texts and text >= 0 else NAN,
            max(0.0, at - min(times)) if times else NAN,
            max(0.0, at - max(times)) if times else NAN,
        )
        for one, other in zip(found[place], expected, strict=True):
            assert close(one, other), (place, found[place], expected)


@given(_EVENTS)
def test_what_fades_halves_with_every_half_life(events: list[Seen]) -> None:
    found = run(
        events,
        Measure("count", half_life=500.0),
        Measure("sum", value=0, half_life=500.0),
        Measure("share", value=1, half_life=500.0),
    )
    for place, (at, _, text) in enumerate(events):
        before = events[:place]
        now = max([at, *(t for t, _, _ in before)])
        weights = [0.5 ** ((now - t) / 500.0) for t, _, _ in before]
        known = [w for w, (_, _, t) in zip(weights, before, strict=True) if t >= 0]
        same = [w for w, (_, _, t) in zip(weights, before, strict=True) if t == text]
        amounts = [w * v for w, (_, v, _) in zip(weights, before, strict=True) if v == v]
        expected = (
            sum(weights),
            sum(amounts),
            sum(same) / sum(known) if text >= 0 and known else NAN,
        )
        for one, other in zip(found[place], expected, strict=True):
            assert close(one, other), (place, found[place], expected)


@given(_EVENTS, st.lists(st.tuples(st.integers(0, 59), st.booleans()), max_size=20))
def test_a_risk_and_the_times_of_fraud_are_of_frauds_that_are_known_and_old_enough(
    events: list[Seen], labels: list[tuple[int, bool]]
) -> None:
    delayed = {"horizon": HORIZON, "buckets": BUCKETS, "delay": DELAY}
    compiled = compile_measures(
        [
            Measure("risk", **delayed, smoothing=2, base_rate=0.5),  # type: ignore[arg-type]
            Measure("since_fraud", **delayed),  # type: ignore[arg-type]
            Measure("fraud_age", **delayed),  # type: ignore[arg-type]
        ]
    )
    assert compiled.label is not None
    state = compiled.fresh()
    known: dict[int, int] = {}
    for place, (at, value, text) in enumerate(events):
        found, since, age = compiled.step(state, at, (value, text))
        end = bucket(at - DELAY) - 1
        numbered = [(t, float(n), 0) for n, (t, _, _) in enumerate(events[:place])]
        held = [
            int(n) for t, n, _ in in_window(numbered, at, SPAN) if end - BUCKETS < bucket(t) <= end
        ]
        frauds = sum(known.get(n, 0) for n in held)
        assert close(found, (frauds + 1.0) / (len(held) + 2.0))
        times = [bucket(events[n][0]) * WIDTH for n in held if known.get(n, 0)]
        assert close(since, at - max(times) if times else NAN)
        assert close(age, at - min(times) if times else NAN)
        for number, is_fraud in labels:
            if number == place and known.get(number, 0) != is_fraud:
                compiled.label(state, at, 1 if is_fraud else -1)
                known[number] = int(is_fraud)


@given(st.lists(st.floats(0, 1e5), min_size=1, max_size=30).map(sorted))
def test_a_velocity_compares_with_the_time_the_key_has_lived(times: list[float]) -> None:
    found = run(
        [(t, 1.0, 0) for t in times],
        Measure("velocity", horizon=100.0, long_horizon=1e6, buckets=10),
        Measure("count", horizon=100.0, buckets=10),
        Measure("count", horizon=1e6, buckets=10),
    )
    for at, (velocity, recent, usual) in zip(times, found, strict=True):
        lived = max(100.0, at - times[0])
        assert close(velocity, recent / (usual * 100.0 / lived) if usual else NAN)


@given(_EVENTS)
def test_a_shift_compares_two_means_a_peak_the_largest_and_a_spread_a_deviation_with_one(
    events: list[Seen],
) -> None:
    found = run(
        events,
        Measure("shift", value=0, horizon=HORIZON / 4, long_horizon=HORIZON, buckets=BUCKETS),
        Measure("mean", value=0, horizon=HORIZON / 4, buckets=BUCKETS),
        Measure("mean", value=0, horizon=HORIZON, buckets=BUCKETS),
        Measure("spread", value=0, horizon=HORIZON, buckets=BUCKETS),
        Measure("peak", value=0, horizon=HORIZON, long_horizon=2 * HORIZON, buckets=BUCKETS),
        Measure("mean", value=0, horizon=2 * HORIZON, buckets=BUCKETS),
    )
    for place, (at, _, _) in enumerate(events):
        shift, recent, usual, spread, peak, long_mean = found[place]
        assert close(shift, recent / usual if usual else NAN)
        numbers = [v for _, v, _ in in_window(events[:place], at) if v == v]
        enough = len(numbers) > 1 and fmean(numbers) > 0
        expected = pstdev(numbers) / fmean(numbers) if enough else NAN
        assert close(peak, max(numbers) / long_mean if numbers and long_mean else NAN)
        # The sum of squares loses half of the digits where all numbers are nearly the same.
        assert close(spread, expected) or abs(spread - expected) < 1e-4


def test_numbers_that_cancel_out_have_no_spread() -> None:
    assert math.isnan(formulas.spread(2.0, 0.0, 2e30))


def test_distance_and_speed_are_those_of_the_last_place() -> None:
    measures = [Measure(kind, latitude=0, longitude=1) for kind in ("distance", "speed")]
    compiled = compile_measures(measures)
    state = compiled.fresh()
    berlin, sydney, nowhere = (52.52, 13.405), (-33.8688, 151.2093), (NAN, 151.2)
    assert all(math.isnan(value) for value in compiled.step(state, 0.0, berlin))
    assert all(math.isnan(value) for value in compiled.step(state, 1_800.0, nowhere))
    distance, speed = compiled.step(state, 3_600.0, sydney)
    assert distance == pytest.approx(16_090, rel=0.01)
    assert speed == pytest.approx(distance)
    # A late event is compared with the newest place, and does not take its stead.
    assert compiled.step(state, 1_800.0, berlin)[1] == pytest.approx(2 * distance)
    assert compiled.step(state, 3_601.0, sydney)[0] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("count", [1, 10, 50, 250, 1_000])
def test_distinct_counts_are_about_right(count: int) -> None:
    texts = [formulas.text_hash(f"merchant-{number}") for number in range(count)]
    found = run([(0.0, NAN, text) for text in [*texts, *texts, 0]], Measure("distinct", value=1))
    assert found[-1][0] == pytest.approx(count, rel=0.25 if count == 1_000 else 0.15)


@given(st.integers(1, 400), st.integers(1, 50))
def test_a_state_stays_small_however_many_events_it_has_seen(rounds: int, gap: int) -> None:
    measures = [
        *(Measure("count", horizon=h, buckets=24) for h in (3_600.0, 86_400.0)),
        Measure("deviation", value=0, horizon=86_400.0),
        Measure("distinct", value=1, horizon=86_400.0),
        Measure("share", value=1, horizon=86_400.0),
        Measure("share", value=1, half_life=86_400.0),
        Measure("risk", horizon=86_400.0, delay=86_400.0),
    ]
    compiled = compile_measures(measures)
    state = compiled.fresh()
    for number in range(rounds):
        text = formulas.text_hash(str(number))
        compiled.step(state, number * gap * 997.0, (1.0 + number, text))
        # Four rings of a day, of 24 buckets (the risk's of 49): 5 bytes for a number, 9 for a
        # float, 34 for the bits of a distinct count, 259 for the counters of a share.
        assert (
            len(pack(compiled, state)) < 24 * (10 + 5 + 3 * 9 + 34 + 259) + 49 * 9 + 64 * 11 + 150
        )


@given(_EVENTS)
def test_a_stored_state_is_the_same_state(events: list[Seen]) -> None:
    kinds = [
        Measure("distinct", value=1, horizon=HORIZON),
        Measure("distinct", value=1),
        Measure("share", value=1, horizon=HORIZON),
        Measure("share", value=1, half_life=500.0),
        Measure("share", value=1),
        Measure("deviation", value=0, horizon=HORIZON),
        Measure("since_last"),
    ]
    compiled = compile_measures(kinds)
    kept = compiled.fresh()
    packed = pack(compiled, compiled.fresh())
    for at, value, text in events:
        state = unpack(compiled, packed)
        one, other = (
            compiled.step(kept, at, (value, text)),
            compiled.step(state, at, (value, text)),
        )
        assert repr(one) == repr(other)
        packed = pack(compiled, state)


def _imported(path: str) -> set[str]:
    tree = ast.parse(Path(path).read_text())
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
        elif isinstance(node, ast.Import):
            names |= {name.name for name in node.names}
    return names


@pytest.mark.parametrize("module", [arithmetic, formulas, memory])
def test_the_arithmetic_imports_nothing_but_the_standard_library(module: object) -> None:
    own = {"ringfence.profiles", "ringfence.profiles.memory"}
    standard = {"__future__", "math", "bisect", "collections.abc", "dataclasses", "typing", "zlib"}
    assert _imported(str(module.__file__)) <= own | standard  # type: ignore[attr-defined]


def test_a_text_has_the_same_hash_in_every_process_and_release() -> None:
    # Stored states are made of these.
    assert formulas.text_hash("m-1") == 0xC64DD23F
