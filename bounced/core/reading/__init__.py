"""What came: octets to a report, whoever wrote it."""
