"""What a policy would do: the daemon's own parts on recorded or invented events, without the daemon."""
