"""Good pictures: read, laid out, brought in, surveyed and split."""
