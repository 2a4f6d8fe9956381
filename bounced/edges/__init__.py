"""Where the house touches the world: sockets, Redis, systemd, logs."""
