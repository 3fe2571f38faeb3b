"""The line's faults: what becomes of parts when server, broker or line are killed while they come."""
