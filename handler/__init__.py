"""TorchServe's adapter and its settings; what lies here is copied flat into every archive."""
