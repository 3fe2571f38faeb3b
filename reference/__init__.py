"""The reference pages under docs/reference, written from what the code knows; `make reference` does it."""
