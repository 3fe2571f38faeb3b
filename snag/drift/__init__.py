"""What a stream of verdicts says of the line: whether it is still the one that was calibrated."""
