"""Pipelines: which there are, where they run, and whether they are active."""
