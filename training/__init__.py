"""The training room: makes the example's base and its adapters. A job, not a service."""
