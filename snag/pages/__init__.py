"""What the pages share that Snag writes: frames, style, sheets of pictures."""
