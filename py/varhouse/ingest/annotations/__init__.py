"""Annotations of variants: consequences for genes and transcripts, and scores."""
