"""What Prometheus is told: counted by the workers, measured in Redis by the parent, added up in one place."""
