"""How fast the server is, over concurrency, beside what the same work takes on the same cores without a server."""
