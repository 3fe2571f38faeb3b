"""Talks to a running server from Python or from the command line; knows HTTP and JSON, and never loads torch."""
