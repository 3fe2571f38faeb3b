"""Sinks: where events go, a file each."""
