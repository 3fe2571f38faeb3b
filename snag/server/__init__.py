"""Starts, checks and stops the server: TorchServe as one Java process, run from a folder of its own."""
