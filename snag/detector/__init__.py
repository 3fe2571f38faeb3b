"""Everything that ends up inside snag.pt. It imports torch alone, and is in no archive as Python."""
