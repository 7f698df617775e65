"""What a look at the machine or at a process found: one `Check` a line of `perfkit doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warn", "miss"]


@dataclass(frozen=True, slots=True)
class Check:
    """`remedies` are commands or settings, one a line. A `miss` that is `needed` means that nothing can be measured."""

    status: Status
    text: str
    remedies: tuple[str, ...] = ()
    needed: bool = False

    @property
    def prevents(self) -> bool:
        return self.needed and self.status == "miss"
