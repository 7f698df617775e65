"""perfkit: finds what slows a Python backend down and says what to fix first."""

from __future__ import annotations

__version__ = "0.1.0"
