"""Snag Studio: a page on this machine from a folder of pictures to verdicts. It calls what exists and decides nothing itself.

What takes long runs as `python -m snag <verb>` in a process of its own, and its state is read back from the run's files:
whoever closes the page or kills the studio loses nothing, and finds a training again that is under way.
"""
