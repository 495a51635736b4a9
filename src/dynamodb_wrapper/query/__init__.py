"""Queries for any model: key conditions from Meta, filters that find their place, signed cursors."""
