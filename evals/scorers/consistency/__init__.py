"""Whether one question gets one answer, and one answer one judgement."""
