"""Calls itself to a depth of many frames, again and again."""
import time


def descend(depth):
    if depth:
        return descend(depth - 1) + 1
    return sum(range(2000))


while time.process_time() < 0.6:
    descend(200)
