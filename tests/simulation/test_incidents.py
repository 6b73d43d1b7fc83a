from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.simulation.incidents import plan_incidents
from ringfence.simulation.options import Options


@settings(max_examples=150)
@given(
    payments=st.integers(0, 400),
    each=st.floats(1, 60),
    days=st.integers(1, 400),
    stretch=st.floats(0, 1e7),
    seed=st.integers(0, 2**32),
)
def test_incidents_have_exactly_the_payments_asked_for_and_stay_in_the_period(
    payments: int, each: float, days: int, stretch: float, seed: int
):
    random = np.random.default_rng(seed)
    options = Options(days=days)
    incidents = plan_incidents(
        random,
        options,
        payments,
        payments_each=each,
        density=np.array([1.0, 0.0, 2.0]),
        hours=(1,) * 24,
    )
    assert len(incidents) == payments
    assert len(np.unique(incidents.incident)) == len(incidents.start)
    assert ((incidents.progress >= 0) & (incidents.progress < 1)).all()
    for number in range(len(incidents.start)):
        steps = incidents.step[incidents.incident == number]
        assert steps.tolist() == list(range(len(steps)))
    moments = incidents.moments(incidents.step * stretch)
    assert (moments >= incidents.each(incidents.start)).all()
    assert (moments < options.seconds).all()
    same = np.diff(incidents.incident) == 0
    assert (np.diff(moments)[same] >= 0).all()


def test_incidents_begin_where_they_are_dense():
    incidents = plan_incidents(
        np.random.default_rng(1),
        Options(days=90),
        3_000,
        payments_each=3,
        density=np.array([0.0, 1.0, 3.0]),
        hours=(0,) * 23 + (1,),
    )
    thirds = np.bincount(incidents.start // (30 * 86_400), minlength=3)
    assert thirds[0] == 0
    assert 2 < thirds[2] / thirds[1] < 4.5
    assert (incidents.start % 86_400 >= 23 * 3_600).all()
