"""What is fitted to good pictures before and after the networks learn."""
