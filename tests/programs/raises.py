"""Computes, then fails two functions deep."""
import time


def outer():
    return inner({})


def inner(orders):
    return orders["42"]


while time.process_time() < 0.5:
    sum(range(2000))
outer()
