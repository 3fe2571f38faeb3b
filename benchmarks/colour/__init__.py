"""Draws sets in colour to judge a detector on; what is drawn and what goes wrong share nothing with what training draws."""
