"""What is written: key names, the state hash, a commit's writes, counters, digests, intake entries."""
