"""The exponent of growth: flat is nothing, proportional is one."""

from __future__ import annotations

import math

import pytest

from bench.fit import Point, Series, exponent

XS = (10, 100, 1000, 10_000)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 2.0])
def test_the_exponent_of_a_power_law_is_found(power: float) -> None:
    assert exponent([(x, 3 * x**power) for x in XS]) == pytest.approx(power)


def test_none_counts_as_one() -> None:
    assert exponent([(0, 5.0), (100, 50.0)]) == exponent([(1, 5.0), (100, 50.0)])


def test_one_point_has_no_exponent() -> None:
    assert math.isnan(exponent([(10, 5.0)]))


def test_a_curves_cost_is_of_all_its_processes() -> None:
    points = [Point(x, {"web": 2.0, "worker": float(x)}, makespan=4.0) for x in XS]
    curve = Series("streams", "replies at once", points)

    assert points[0].cost == 12.0
    assert 0.8 < curve.cost_exponent < 1.0
    assert curve.makespan_exponent == 0.0
