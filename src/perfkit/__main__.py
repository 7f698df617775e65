"""`python -m perfkit` and the console script. Answers --version before it imports anything."""

from __future__ import annotations

import sys


def main() -> None:
    if sys.argv[1:] in (["--version"], ["-V"]):
        from perfkit import __version__

        print(f"perfkit {__version__}")  # noqa: T201  (the fast path: cli/console.py is never reached)
        return
    import gc

    # Nothing that is imported is ever garbage: not looking for it, then and later, saves a tenth of the start and more.
    gc.disable()
    from perfkit.cli import run_app

    gc.freeze()
    gc.set_threshold(50_000)
    gc.enable()
    try:
        run_app(sys.argv[1:])
    finally:
        # The interpreter collects several times while it ends; all of it is going away anyway.
        gc.freeze()


if __name__ == "__main__":
    main()
