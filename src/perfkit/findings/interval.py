"""Intervals of a share, computed over windows, because samples of one request are not independent of each other."""

from __future__ import annotations

from collections import defaultdict
from math import sqrt

from perfkit.findings.interface import Claim, View

# Student's t, 97.5 %, by degrees of freedom (Abramowitz and Stegun, table 26.10); beyond the table 1.96 is close enough.
_T = {1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78, 5: 2.57, 6: 2.45, 7: 2.36, 8: 2.31, 9: 2.26, 10: 2.23, 15: 2.13, 20: 2.09}
# Fewer windows say nothing about their own spread; then samples are taken as four times fewer than they are.
_FEWEST_CLUSTERS = 4
_DESIGN_EFFECT = 4.0


def interval(view: View, claim: Claim) -> tuple[float, float]:
    """95 % interval of the claimed seconds, given what was measured. What spans timed is known as it is; of the sampled
    seconds, the ratio estimator over clusters (Cochran, Sampling Techniques, 6.4), or Wilson's score interval on thinned
    samples where there are few clusters."""
    timed = sum(time.seconds * claim.get(time.stack, 0.0) for time in view.times if time.timed)
    low, high = _sampled(view, claim)
    return timed + low, timed + high


def _sampled(view: View, claim: Claim) -> tuple[float, float]:
    claimed: defaultdict[int, float] = defaultdict(float)
    measured: defaultdict[int, float] = defaultdict(float)
    n = 0
    for time in view.times:
        if time.timed:
            continue
        part = claim.get(time.stack, 0.0)
        n += time.n
        for cluster, seconds in time.clusters.items():
            measured[cluster] += seconds
            claimed[cluster] += seconds * part
    total = sum(measured.values())
    if not total:
        return 0.0, 0.0
    share = sum(claimed.values()) / total
    if not share:
        return 0.0, 0.0
    k = len(measured)
    if k < _FEWEST_CLUSTERS:
        low, high = _wilson(share, n / _DESIGN_EFFECT)
    else:
        spread = sum((claimed[c] - share * measured[c]) ** 2 for c in measured)
        error = sqrt(spread * k / (k - 1)) / total
        t = _T.get(k - 1) or next((value for freedom, value in _T.items() if freedom >= k - 1), 1.96)
        wilson = _wilson(share, n)
        low, high = min(share - t * error, wilson[0]), max(share + t * error, wilson[1])
    return max(0.0, low) * total, min(1.0, high) * total


def _wilson(share: float, n: float) -> tuple[float, float]:
    """Wilson's score interval (JASA 22, 1927) at 95 %."""
    if n <= 0:
        return 0.0, 1.0
    z = 1.96
    centre = share + z * z / (2 * n)
    margin = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return (centre - margin) / scale, (centre + margin) / scale
