"""What the entry files of every room share: settings from preset, file and flags, and the one place where errors become exit codes."""
