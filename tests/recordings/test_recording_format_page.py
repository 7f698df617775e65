"""The page about the format names every table, column and key that there is, no other, and its queries run."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import fields
from pathlib import Path

from perfkit.model.recording import Run
from perfkit.recordings.schema import APPLICATION_ID, SCHEMA_VERSION, TABLES

PAGE = (Path(__file__).parents[2] / "docs/reference/recording-format.md").read_text(encoding="utf-8")


def test_every_column_of_every_table(recording: Path) -> None:
    sections = re.split(r"^### ", PAGE.partition("## Tables")[2].partition("\n## ")[0], flags=re.MULTILINE)[1:]
    documented = {section.split()[0]: re.findall(r"^\| `(\w+)`", section, flags=re.MULTILINE) for section in sections}
    connection = sqlite3.connect(recording)
    columns = {table: [row[1] for row in connection.execute(f"PRAGMA table_info({table})")] for table in TABLES}
    connection.close()
    keys = [field.name for field in fields(Run)]
    assert documented == columns | {"run": columns["run"] + keys}


def test_the_numbers_that_recognise_it() -> None:
    assert f"= {APPLICATION_ID} (`0x{APPLICATION_ID:X}`" in PAGE
    assert f"describes format {SCHEMA_VERSION}." in PAGE


def test_the_queries(recording: Path) -> None:
    queries = re.findall(r"```sql\n(.+?)```", PAGE, flags=re.DOTALL)
    connection = sqlite3.connect(recording)
    busiest, hottest = (connection.execute(query).fetchall() for query in queries)
    connection.close()
    assert busiest == [(0.625, "parse", "/usr/lib/python3.11/re.py"), (0.375, "load", "/srv/shop/app.py")]
    assert [function for function, _ in hottest] == ["main", "load", "parse"]
