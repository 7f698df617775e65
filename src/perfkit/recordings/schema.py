"""The file format: recognised by `APPLICATION_ID`, numbered by `SCHEMA_VERSION`, laid out by `STATEMENTS`.

A table's columns stand in the order of its noun's fields in `perfkit.model.recording` and `perfkit.model.memory`, so that a row is a noun.
"""

from __future__ import annotations

SCHEMA_VERSION = 5
"""PRAGMA user_version. It grows with every change to a table; `migrations` brings older files forward."""

APPLICATION_ID = 0x504B4954
"""PRAGMA application_id: the letters PKIT."""

# Foreign keys are written down for readers and not enforced: the checks would cost more than the writes.
# No table is STRICT: that needs SQLite 3.37, and distributions that are still supported carry 3.26.
STATEMENTS = (
    "CREATE TABLE run (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE path (id INTEGER PRIMARY KEY, path TEXT NOT NULL)",
    """CREATE TABLE process (
        id INTEGER PRIMARY KEY,
        pid INTEGER NOT NULL,
        parent_pid INTEGER,
        command TEXT NOT NULL,
        python TEXT,
        started REAL NOT NULL,
        ended REAL,
        cwd TEXT
    )""",
    """CREATE TABLE thread (
        id INTEGER PRIMARY KEY,
        process INTEGER NOT NULL REFERENCES process (id),
        tid INTEGER,
        name TEXT NOT NULL
    )""",
    """CREATE TABLE window (
        id INTEGER PRIMARY KEY,
        process INTEGER NOT NULL REFERENCES process (id),
        kind TEXT NOT NULL,
        start REAL NOT NULL,
        seconds REAL NOT NULL,
        rate REAL NOT NULL,
        rounds INTEGER NOT NULL,
        errors INTEGER NOT NULL,
        behind INTEGER NOT NULL
    )""",
    """CREATE TABLE frame (
        id INTEGER PRIMARY KEY,
        function TEXT NOT NULL,
        file INTEGER NOT NULL REFERENCES path (id),
        line INTEGER NOT NULL,
        origin TEXT NOT NULL
    )""",
    """CREATE TABLE stack (
        id INTEGER PRIMARY KEY,
        parent INTEGER NOT NULL REFERENCES stack (id),
        frame INTEGER NOT NULL REFERENCES frame (id)
    )""",
    # A plain rowid table without an index: rows are only appended, and read back in one pass.
    """CREATE TABLE sample (
        window INTEGER NOT NULL REFERENCES window (id),
        thread INTEGER NOT NULL REFERENCES thread (id),
        stack INTEGER NOT NULL REFERENCES stack (id),
        n INTEGER NOT NULL,
        seconds REAL NOT NULL
    )""",
    """CREATE TABLE thread_usage (
        window INTEGER NOT NULL REFERENCES window (id),
        thread INTEGER NOT NULL REFERENCES thread (id),
        cpu REAL NOT NULL,
        runqueue REAL NOT NULL,
        PRIMARY KEY (window, thread)
    ) WITHOUT ROWID""",
    """CREATE TABLE usage (
        at REAL NOT NULL,
        process INTEGER NOT NULL REFERENCES process (id),
        cpu REAL NOT NULL,
        rss INTEGER NOT NULL,
        pss INTEGER,
        threads INTEGER NOT NULL,
        voluntary_switches INTEGER NOT NULL,
        involuntary_switches INTEGER NOT NULL,
        runqueue REAL
    )""",
    """CREATE TABLE machine (
        at REAL NOT NULL,
        load REAL NOT NULL,
        busy REAL NOT NULL,
        steal REAL NOT NULL,
        throttled REAL,
        throttled_periods INTEGER,
        periods INTEGER
    )""",
    """CREATE TABLE request (
        endpoint TEXT NOT NULL,
        start REAL NOT NULL,
        seconds REAL NOT NULL,
        status INTEGER NOT NULL,
        source TEXT NOT NULL,
        process INTEGER REFERENCES process (id),
        number INTEGER,
        kind TEXT,
        cpu REAL,
        size INTEGER
    )""",
    "CREATE TABLE span_name (id INTEGER PRIMARY KEY, text TEXT NOT NULL, system TEXT NOT NULL)",
    # Without an index, as samples. A number for the kind would save 6 % of 47 bytes a row, and be a riddle in sqlite3.
    """CREATE TABLE span (
        process INTEGER NOT NULL REFERENCES process (id),
        request INTEGER NOT NULL,
        kind TEXT NOT NULL,
        name INTEGER NOT NULL REFERENCES span_name (id),
        stack INTEGER NOT NULL REFERENCES stack (id),
        start REAL NOT NULL,
        seconds REAL NOT NULL,
        count INTEGER,
        key INTEGER
    )""",
    """CREATE TABLE call (
        process INTEGER NOT NULL REFERENCES process (id),
        caller INTEGER REFERENCES frame (id),
        callee INTEGER NOT NULL REFERENCES frame (id),
        calls INTEGER NOT NULL,
        primitive_calls INTEGER NOT NULL,
        self_seconds REAL NOT NULL,
        total_seconds REAL NOT NULL
    )""",
    """CREATE TABLE file (
        path INTEGER PRIMARY KEY REFERENCES path (id),
        origin TEXT NOT NULL,
        distribution TEXT,
        version TEXT
    )""",
    """CREATE TABLE source (
        file INTEGER NOT NULL REFERENCES path (id),
        first_line INTEGER NOT NULL,
        text BLOB NOT NULL,
        PRIMARY KEY (file, first_line)
    )""",
    "CREATE TABLE gap (what TEXT NOT NULL, why TEXT NOT NULL, remedy TEXT NOT NULL)",
    # Logs and plans are trees: columns for what one would ask of them in sqlite3, the whole as JSON.
    "CREATE TABLE log (system TEXT NOT NULL, document TEXT NOT NULL)",
    """CREATE TABLE digest (
        fingerprint TEXT PRIMARY KEY,
        count INTEGER NOT NULL,
        seconds REAL NOT NULL,
        document TEXT NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE plan (
        fingerprint TEXT PRIMARY KEY,
        system TEXT NOT NULL,
        cost REAL,
        document TEXT NOT NULL
    ) WITHOUT ROWID""",
    "CREATE TABLE not_planned (fingerprint TEXT NOT NULL, text TEXT NOT NULL, why TEXT NOT NULL, remedy TEXT NOT NULL)",
    """CREATE TABLE line (
        process INTEGER NOT NULL REFERENCES process (id),
        function TEXT NOT NULL,
        file TEXT NOT NULL,
        first_line INTEGER NOT NULL,
        calls INTEGER NOT NULL,
        line INTEGER NOT NULL,
        hits INTEGER NOT NULL,
        seconds REAL NOT NULL
    )""",
    """CREATE TABLE line_bytes (
        process INTEGER NOT NULL REFERENCES process (id),
        stack INTEGER NOT NULL REFERENCES stack (id),
        function TEXT NOT NULL,
        file TEXT NOT NULL,
        first_line INTEGER NOT NULL,
        line INTEGER NOT NULL,
        hits INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        peak INTEGER NOT NULL
    )""",
    """CREATE TABLE allocation (
        process INTEGER NOT NULL REFERENCES process (id),
        stack INTEGER NOT NULL REFERENCES stack (id),
        began REAL NOT NULL,
        ended REAL NOT NULL,
        more_blocks INTEGER NOT NULL,
        more_bytes INTEGER NOT NULL
    )""",
    """CREATE TABLE memory (
        at REAL NOT NULL,
        process INTEGER NOT NULL REFERENCES process (id),
        rss INTEGER NOT NULL,
        pss INTEGER,
        private INTEGER,
        given INTEGER,
        system REAL
    )""",
    """CREATE TABLE rise (
        at REAL NOT NULL,
        process INTEGER NOT NULL REFERENCES process (id),
        before INTEGER NOT NULL,
        rss INTEGER NOT NULL,
        thread TEXT NOT NULL,
        stack INTEGER NOT NULL REFERENCES stack (id)
    )""",
    """CREATE TABLE container (
        at REAL NOT NULL,
        process INTEGER NOT NULL REFERENCES process (id),
        name TEXT NOT NULL,
        kind TEXT NOT NULL,
        file TEXT NOT NULL,
        line INTEGER NOT NULL,
        length INTEGER NOT NULL,
        size INTEGER NOT NULL,
        bound INTEGER,
        hits INTEGER,
        misses INTEGER
    )""",
    """CREATE TABLE heap (
        at REAL NOT NULL,
        process INTEGER NOT NULL REFERENCES process (id),
        threads INTEGER NOT NULL,
        anonymous INTEGER NOT NULL,
        blocks INTEGER NOT NULL,
        live INTEGER,
        arenas INTEGER,
        used INTEGER,
        free INTEGER,
        mapped INTEGER,
        collections INTEGER NOT NULL,
        full INTEGER NOT NULL,
        collected INTEGER NOT NULL,
        gc_seconds REAL NOT NULL,
        longest REAL NOT NULL
    )""",
    """CREATE TABLE garbage (
        at REAL NOT NULL,
        process INTEGER NOT NULL REFERENCES process (id),
        stack INTEGER NOT NULL REFERENCES stack (id),
        generation INTEGER NOT NULL,
        collected INTEGER NOT NULL,
        freed INTEGER NOT NULL,
        types TEXT NOT NULL,
        file TEXT NOT NULL,
        line INTEGER NOT NULL
    )""",
    """CREATE TABLE import (
        at REAL NOT NULL,
        process INTEGER NOT NULL REFERENCES process (id),
        stack INTEGER NOT NULL REFERENCES stack (id),
        bytes INTEGER NOT NULL,
        seconds REAL NOT NULL
    )""",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)

TABLES = tuple(words[2] for words in map(str.split, STATEMENTS) if words[:2] == ["CREATE", "TABLE"])
