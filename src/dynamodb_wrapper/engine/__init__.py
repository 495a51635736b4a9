"""How a call runs: flows, effects, layers and the two drivers. Knows no models and does no I/O."""
