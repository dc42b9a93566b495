"""Conversations with a simulated Task API: its world, its errors, and how it has to end. Nothing real is called."""
