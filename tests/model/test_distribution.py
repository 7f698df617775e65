"""Durations of many executions: exact where they are few, within 1 % where they are many, the same however they were merged."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfkit.model.distribution import EXACT, Distribution

_MICROS = st.lists(st.integers(0, 10**12), max_size=300)


def _exact(values: list[int], share: float) -> int:
    return sorted(values)[max(1, -(-int(share * 1_000_000) * len(values) // 1_000_000)) - 1]


@pytest.mark.parametrize("share", [0.0, 0.5, 0.95, 0.99, 1.0])
@given(values=_MICROS.filter(bool), times=st.sampled_from([1, 30]))
def test_percentiles_are_exact_or_within_one_percent(values: list[int], times: int, share: float) -> None:
    found = Distribution()
    for _ in range(times):
        found.add(list(values))
    exact = _exact(values * times, share)
    if len(values) * times <= EXACT:
        assert found.quantile(share) * 1e6 == pytest.approx(exact, abs=0.001)
    else:
        assert found.quantile(share) * 1e6 == pytest.approx(exact, rel=0.0101, abs=0.51)


@settings(max_examples=50)
@given(parts=st.lists(_MICROS, max_size=12), repeat=st.sampled_from([1, 20]))
def test_merging_in_any_order_gives_what_adding_gives(parts: list[list[int]], repeat: int) -> None:
    whole, merged = Distribution(), Distribution()
    for part in parts:
        whole.add(part * repeat)
    for part in reversed(parts):
        one = Distribution()
        one.add(part * repeat)
        merged.merge(one)
    assert (merged.count, merged.total, merged.smallest, merged.largest) == (
        whole.count,
        whole.total,
        whole.smallest,
        whole.largest,
    )
    for share in (0.5, 0.99):
        assert merged.quantile(share) == pytest.approx(whole.quantile(share), rel=0.0201)


@given(values=_MICROS, times=st.sampled_from([1, 30]))
def test_a_document_reads_back_the_same(values: list[int], times: int) -> None:
    found = Distribution()
    found.add(values * times)
    assert Distribution.of(json.loads(json.dumps(found.document()))) == found


@pytest.mark.parametrize(
    "broken", [{"count": 3}, {"values": [1, -2]}, {"values": None}, {"buckets": [[1]]}, {"total": 1.5}]
)
def test_a_document_that_was_not_written_here_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError)):
        Distribution.of({**Distribution().document(), **broken})
