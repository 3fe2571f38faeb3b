"""Measurements of the product: each prints one table, made by commands that a user could type."""
