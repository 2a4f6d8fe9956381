"""What those who watch see: the log, metrics, health."""
