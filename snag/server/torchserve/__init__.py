"""TorchServe: its process, its settings, its management port, its words."""
