"""`python -m shop --port 8000`"""

from __future__ import annotations

from .server import main

if __name__ == "__main__":
    main()
