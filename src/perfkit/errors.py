"""The one exception that reaches a user: what is wrong, what to do, and the exit code.

Lowest floor: everything may import it, it imports nothing.
"""

from __future__ import annotations

FAILED = 125
CANNOT_EXECUTE = 126
NOT_FOUND = 127
USAGE = 2


class PerfkitError(Exception):
    """A failure the user can act on: printed as `error: message` and `try: hint`, without a traceback."""

    def __init__(self, message: str, hint: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.exit_code = exit_code

    def __reduce__(self) -> tuple[type[PerfkitError], tuple[str, str, int]]:
        """Whole from one process to another."""
        return type(self), (self.message, self.hint, self.exit_code)
