"""The demonstration's model judged on fresh pictures that nobody has looked at, and what the size of a calibration is worth."""
