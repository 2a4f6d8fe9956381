"""What ``bounced doctor`` examines: the configuration, the server, the ports, the DNS; each finding says what to do."""
