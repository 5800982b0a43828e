"""Everything between an HTTP request and its response."""
