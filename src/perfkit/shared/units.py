"""Numbers as people read them. Never truncated, never more digits than the measurement carries."""

from __future__ import annotations


def seconds(value: float) -> str:
    """`38.1 ms`, `0.42 ms`, `2.3 s`, `75 s`, `3 min 20 s`."""
    if value >= 120:
        minutes, rest = divmod(round(value), 60)
        return f"{minutes} min {rest} s"
    if value >= 0.9995:
        return f"{value:.3g} s"
    milliseconds = value * 1000
    if milliseconds >= 100:
        return f"{milliseconds:.0f} ms"
    if milliseconds >= 1:
        return f"{milliseconds:.1f} ms"
    return f"{milliseconds:.2g} ms"


def share(value: float) -> str:
    """`65%`, `6.9%`, `0.4%`."""
    percent = value * 100
    return f"{percent:.0f}%" if percent >= 9.95 else f"{percent:.1f}%"


def change(value: float) -> str:
    """A share with its sign: `+38%`, `−12%`, `+1.4%`."""
    return ("−" if value < 0 else "+") + share(abs(value))


def count(value: float) -> str:
    """`1,712`."""
    return f"{round(value):,}"


def size(value: float) -> str:
    """`62 MB`, decimal, as memory limits are set."""
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"


def plural(n: int, noun: str) -> str:
    """`1 request`, `1,712 requests`, `2 processes`."""
    ending = "es" if noun.endswith(("s", "sh", "ch", "x")) else "s"
    return f"{count(n)} {noun if n == 1 else noun + ending}"
