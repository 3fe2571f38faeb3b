"""Offline scoring: whether memory stays flat as the pictures grow in number, and what each engine costs for the same work."""
