"""tracemalloc inside the target: perfkit's wish goes into the spool, and when it is taken back each process tells what stands.

What they tell comes with all else that the probe writes, and is read there.
"""

from __future__ import annotations

import re
import time
from pathlib import Path

from perfkit.collectors.interface import Context
from perfkit.collectors.wishes import wish_of, write_wish
from perfkit.model.recording import Gap
from perfkit.shared import processes
from perfkit.shared.units import plural

FRAMES = 1
"""The line that allocates alone: four, which mostly lead from a library's line to the project's that called it, take 2.6 times as
long."""
MOST_FRAMES = 64
# A look at a million blocks takes seconds.
_LAST_WORDS = 10.0
_MARK = re.compile(r"tracing-(\d+)")


class AllocationsCollector:
    """Measures nothing itself."""

    def __init__(self, context: Context, frames: int) -> None:
        self._context = context
        self._frames = frames
        context.sink.gap(
            Gap(
                "what requests and code cost by themselves",
                f"tracemalloc was at work ({plural(frames, 'frame')} of each allocation), which makes code that allocates "
                "many times slower, and takes memory itself",
                "measure times, and memory as such, without --tracemalloc",
            )
        )

    @staticmethod
    def wish(spool: str, frames: int) -> None:
        """To be there before the target starts, or before the probe comes into it."""
        write_wish(spool, "allocations", frames=frames)

    def poll(self) -> None:
        """Everything comes at the end."""

    def stop(self) -> None:
        wish_of(self._context.spool, "allocations").unlink(missing_ok=True)
        until = time.monotonic() + _LAST_WORDS
        while time.monotonic() < until and any(map(processes.alive, self._tracing())):
            time.sleep(0.02)

    def take_last_words(self) -> None:
        """Who ended without having told."""
        for pid in self._tracing():
            self._context.sink.gap(
                Gap(
                    f"lines whose memory grew in process {pid}",
                    "it was killed, or its last look at tracemalloc took too long",
                    "measure for a shorter time, or with a target that ends in good order",
                )
            )

    def _tracing(self) -> list[int]:
        names = (_MARK.fullmatch(entry.name) for entry in Path(self._context.spool).iterdir())
        return [int(match[1]) for match in names if match is not None]
