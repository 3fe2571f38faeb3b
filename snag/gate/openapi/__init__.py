"""The gate's description of itself: an OpenAPI document, made of what the code knows, and a page to try requests."""
