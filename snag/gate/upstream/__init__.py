"""What the gate knows of the TorchServe behind it."""
