"""Gene indexes and gene models into ``raw.genes`` and ``raw.transcripts``."""
