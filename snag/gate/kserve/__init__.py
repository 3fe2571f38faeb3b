"""KServe's open inference protocol, version 2, as Triton, MLServer and their clients speak it, with its binary tensors."""
