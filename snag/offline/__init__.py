"""Scoring of stored pictures by the million: no server, the same verdicts, each picture exactly once."""
