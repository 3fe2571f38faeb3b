"""What a server keeps on disk: its folder, its locks, its archives, what it serves."""
