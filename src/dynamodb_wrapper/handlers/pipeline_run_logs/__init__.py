"""Runs of pipelines: when they ran, how they went stage by stage, and what they processed."""
