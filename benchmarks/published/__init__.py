"""Published pictures of real parts, laid out as MVTec AD."""
