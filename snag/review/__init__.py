"""Labels by people: a local page that shows flagged and borderline pictures, and what their labels say about the threshold."""
