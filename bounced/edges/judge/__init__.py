"""Whether what the daemon needs is good enough: one judgement for `bounced doctor`, `bounced status` and `/readyz`."""
