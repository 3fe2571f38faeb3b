"""Labels: what people say of a data set's pictures, by the names of folders, by masks and by lists."""
