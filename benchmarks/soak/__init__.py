"""Half an hour of mixed traffic: whether memory, handles or answering times creep, and whether every answer stays right."""
