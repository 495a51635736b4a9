"""Tests against a real engine: a pytest plugin with fixtures for an engine, a config and empty tables.

The plugin is loaded by every pytest run where this library is installed, so nothing is imported here.
See `dynamodb_wrapper.testing.plugin` for the fixtures and options.
"""
