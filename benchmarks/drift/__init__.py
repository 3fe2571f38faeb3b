"""How soon a changed line is noticed, and how often an unchanged one is accused: simulated with real pictures and scores."""
