"""The line: from folders and cameras to a machine, by way of a running server; what `snag line` runs."""
