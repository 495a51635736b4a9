"""Resilience: what a client may do about a service that fails, throttles or is slow. Each plugin is apart."""
