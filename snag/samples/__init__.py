"""The drawn sets: parts and scenes, good and defective, with masks."""
