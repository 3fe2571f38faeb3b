"""The number of workers, their threads and the size of batches that suit this machine best, found by measuring."""
