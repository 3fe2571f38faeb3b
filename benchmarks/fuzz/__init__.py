"""Hostile and odd input against the real server: each request gets an answer that names its trouble; nothing dies or grows."""
