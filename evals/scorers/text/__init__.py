"""What an answer in words has in common with its references, as the usual libraries count it."""
