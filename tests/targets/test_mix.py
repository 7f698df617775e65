"""The order of URLs: equal shares on the whole, and with `Changing` others each second."""

from __future__ import annotations

from collections import Counter

import pytest

from perfkit.targets.mix import Changing, InTurn


@pytest.mark.parametrize("urls", [1, 2, 5])
def test_each_in_turn(urls: int) -> None:
    mix = InTurn(urls)
    assert [mix.next(at) for at in range(urls * 3)] == list(range(urls)) * 3


@pytest.mark.parametrize("urls", [2, 3, 8])
def test_shares_change_by_seconds_and_are_equal_on_the_whole(urls: int) -> None:
    mix = Changing(urls)
    seconds = [Counter(mix.next(second + n / 600) for n in range(600)) for second in range(60)]
    whole = sum(seconds, Counter[int]())
    assert all(0.85 < whole[url] * urls / (600 * 60) < 1.15 for url in range(urls))
    for url in range(urls):
        shares = [found[url] / 600 for found in seconds]
        assert max(shares) > 1.4 * min(shares) > 0


def test_no_url_waits_while_another_is_asked_over_and_over() -> None:
    mix = Changing(4)
    asked = [mix.next(n / 100) for n in range(400)]
    for at in range(360):
        assert len(set(asked[at : at + 12])) == 4


@pytest.mark.parametrize("apart", [0.4, 1.0, 7.0])
def test_a_slow_server_is_asked_for_each(apart: float) -> None:
    mix = Changing(5)
    asked = Counter(mix.next(n * apart) for n in range(300))
    assert min(asked[url] for url in range(5)) > 0.7 * 300 / 5


def test_the_same_in_each_run() -> None:
    one, other = Changing(3), Changing(3)
    assert [one.next(n / 64) for n in range(500)] == [other.next(1e6 + n / 64) for n in range(500)]
