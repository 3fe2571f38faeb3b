"""Snag's core: what a worker needs to turn the bytes of a picture into a verdict. It travels whole inside every archive."""

__version__ = "0.1.0"
