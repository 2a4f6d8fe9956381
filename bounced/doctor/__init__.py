"""What ``bounced doctor`` examines beside what ``edges/judge`` does: ports, DNS, the daemon."""
