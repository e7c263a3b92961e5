"""Numbers in, numbers out: arrays and nothing of files, SQL or genetics tables."""
