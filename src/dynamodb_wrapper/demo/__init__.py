"""The demonstration: a pipeline over the flights that left New York City in 2013, run on a local engine."""
