"""The doctor: looks at a data set before any training and says what to do about it. Nobody imports this room."""
