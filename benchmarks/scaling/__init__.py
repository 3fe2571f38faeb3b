"""How throughput, times and memory change with workers, batches, the size of the pictures, and the number of models."""
