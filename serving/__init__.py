"""The serving room: the router, the engine supervisor and the merge, each a process of its own."""
