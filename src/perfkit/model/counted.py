"""Functions whose calls were counted for some seconds, over all processes."""

from __future__ import annotations

from dataclasses import dataclass

from perfkit.model.recording import Frame

NO_CALLS = "calls, callers and callees"
# Stands beside counted calls. As a root: how many requests began meanwhile (0: nobody counted them), and for how many seconds calls
# were counted. As a caller, of 0 calls: that all calls of a function were counted, and not just those from others that were.
WINDOW = Frame("request", "<perfkit>", 0, "native")


def is_window(frame: Frame | None) -> bool:
    """Whatever origin it was given: frames of requests themselves have a line."""
    return frame is not None and (frame.file, frame.function, frame.line) == (WINDOW.file, WINDOW.function, WINDOW.line)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Who calls a function, None where nothing of Python does, or what it calls."""

    frame: Frame | None
    calls: int


@dataclass(frozen=True, slots=True)
class Counted:
    """One function, its frame at its first line. Both lists have the most frequent first; callers add up to `calls`, of which it made
    `recursive` itself.

    It was counted for `seconds`, in which `requests` began, in all processes together; None where nobody counted them.
    """

    function: Frame
    calls: int
    recursive: int
    callers: tuple[Neighbour, ...]
    callees: tuple[Neighbour, ...]
    seconds: float
    requests: int | None

    @property
    def per_request(self) -> float | None:
        return self.calls / self.requests if self.requests else None
