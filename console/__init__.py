"""The console: the HTTP API and the pages through which people run deployments. Nothing is built at import."""
