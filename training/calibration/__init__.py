"""From the scores of good pictures that training never saw to a threshold with a promise."""
