"""A training run on this machine: its folder, processes, progress and curves."""
