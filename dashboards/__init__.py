"""What Prometheus, Alertmanager and Grafana need, generated from typed code."""
