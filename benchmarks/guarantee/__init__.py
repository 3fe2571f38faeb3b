"""Whether the promised false-alarm rate is kept: random splits of good pictures against the law that the promise rests on."""
