"""The conformance cases, rule by rule: what is asked, what is answered, and the two verdicts, stated by hand."""
