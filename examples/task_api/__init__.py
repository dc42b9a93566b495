"""The Task API assistant: five tools, the persona TaskMaster, a tiny model that really works, and the story."""
