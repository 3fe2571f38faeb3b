"""What the entry files of every room share: settings from preset, file and flags, and where errors become exit codes."""
