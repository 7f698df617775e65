"""Work in four kinds, timed by itself: `python accuracy_target.py SECONDS FILE` leaves the CPU seconds of each kind."""

from __future__ import annotations

import json
import sys
import time


def arithmetic() -> int:
    """One long loop without a call."""
    total = 0
    for number in range(12_000):
        total += number * number % 7
    return total


def small_calls() -> int:
    """Many short Python calls: what tracing makes dearer."""
    return sum(_one(number) for number in range(4_000))


def _one(number: int) -> int:
    return number % 7


def c_calls() -> int:
    """Time below a frame that no Python profiler sees."""
    return len(json.dumps(_ROWS)) + len(sorted(_ROWS[0]["values"], key=None, reverse=True))


def strings() -> int:
    return len("".join(str(number) for number in range(800)).split("9"))


_ROWS = [{"name": f"row {number}", "values": list(range(40))} for number in range(12)]
# How often each is called in a round: long and short shares.
KINDS = ((arithmetic, 5), (small_calls, 4), (c_calls, 8), (strings, 1))


def main() -> None:
    spent = dict.fromkeys((kind.__name__ for kind, _ in KINDS), 0.0)
    until = time.monotonic() + float(sys.argv[1])
    while time.monotonic() < until:
        for kind, times in KINDS:
            started = time.process_time()
            for _ in range(times):
                kind()
            spent[kind.__name__] += time.process_time() - started
    with open(sys.argv[2], "w") as file:
        json.dump(spent, file)


if __name__ == "__main__":
    main()
