"""Measures this library against its rivals, side by side on one engine: see scripts/bench."""
