"""A knowledge leaf's documents: read safely, to Markdown text with pages, and cut into chunks with character spans."""
