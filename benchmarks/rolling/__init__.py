"""A rolling update: two servers behind a real proxy, replaced one after the other under load, every request accounted for."""
