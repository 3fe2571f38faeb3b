"""Everything that ends up inside snag.pt. It imports torch alone, and is in no archive as Python.

TorchScript's rules, said once:

- No `from __future__ import annotations` in a file with scripted classes: TorchScript can't read a type from a string.
- A constant of a module's file is not seen from its methods: `__init__` copies it to an attribute.
- Equal bytes: the same weights must make the same file. What follows from constants alone, freezing folds away sometimes in
  full and sometimes in part. So what depends on sizes alone is made once and kept as a buffer, every step in a method has an
  operand that only the picture knows, and functions whose own checks would be folded are called below those checks.
"""
