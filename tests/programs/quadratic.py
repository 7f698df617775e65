"""Searches a list that grows, so that it has one finding that stands out."""
import time


def unique(rows):
    seen = []
    for row in rows:
        if row not in seen:
            seen.append(row)
    return seen


while time.process_time() < 0.8:
    unique(range(1500))
