"""What a worker needs to turn the bytes of a picture into a verdict. It travels whole inside every archive."""
