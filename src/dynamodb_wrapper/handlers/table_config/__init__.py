"""Tables of pipelines: which there are, of which kind, how big, and whether they are in use."""
