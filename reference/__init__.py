"""The reference pages under docs/reference, written from what the code knows; `python -m reference` does it."""
