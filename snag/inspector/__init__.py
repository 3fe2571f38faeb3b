"""A finished model in one's own program: what `snag.load` and `snag.Inspector` are."""
