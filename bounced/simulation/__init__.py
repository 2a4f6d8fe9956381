"""What a policy would do: the daemon's pipeline and jobs run on recorded or invented events, in memory."""
