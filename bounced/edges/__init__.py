"""Everything that touches the world: sockets, Redis, systemd, logs."""
