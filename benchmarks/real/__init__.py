"""Snag beside the control on published pictures of real parts: sets x presets, and few good pictures."""
