"""Faults: what clients notice when parts of a loaded server are killed, stopped, filled up and replaced."""
