"""What the router costs beside its peers: one upstream, one load, one core for the proxy, all in the same rounds."""
