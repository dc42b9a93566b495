"""HTTP/1.1 on asyncio protocols, for the data path: no frameworks, no coroutines, nothing that knows of releases."""
