"""File and function have names beyond ASCII."""
import time


def zähle_数():
    while time.process_time() < 0.6:
        sum(range(2000))


zähle_数()
