"""Snag: teaches a camera what a good part looks like, and says of each new picture whether something is wrong."""

__version__ = "0.1.0"
