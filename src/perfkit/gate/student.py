"""Student's t: probabilities and quantiles for whole degrees of freedom."""

from __future__ import annotations

from functools import lru_cache
from math import atan, cos, pi, sin, sqrt


def above(t: float, freedom: int) -> float:
    """P(T > t) (Abramowitz and Stegun, 26.7.3 and 26.7.4)."""
    angle = atan(t / sqrt(freedom))
    series, term = 0.0, 1.0
    if freedom % 2:
        term = cos(angle)
        for k in range(1, freedom - 1, 2):
            series += term
            term *= cos(angle) ** 2 * (k + 1) / (k + 2)
        inside = 2 / pi * (angle + sin(angle) * series)
    else:
        for k in range(0, freedom - 1, 2):
            series += term
            term *= cos(angle) ** 2 * (k + 1) / (k + 2)
        inside = sin(angle) * series
    return (1 - inside) / 2


@lru_cache(10_000)
def quantile(tail: float, freedom: int) -> float:
    """The t that is exceeded with the probability `tail`, below one half."""
    low, high = 0.0, 1.0
    while above(high, freedom) > tail:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if above(middle, freedom) > tail else (low, middle)
    return high
