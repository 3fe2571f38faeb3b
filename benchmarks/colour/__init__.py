"""Sets in colour to judge a detector on, drawn; what is drawn and what goes wrong share nothing with what training draws."""
