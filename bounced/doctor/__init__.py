"""What ``bounced doctor`` examines beside what ``edges/judge`` does: ports and DNS; each finding says what to do."""
