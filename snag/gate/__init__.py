"""The gate: what a client of the server really talks to. It stands in front of TorchServe, which listens on loopback alone."""
