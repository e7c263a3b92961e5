"""Donors across files, and numbers about them."""
