"""How an engine is asked over HTTP: one connection pool, patience with what can pass, and the pace that budgets allow."""
