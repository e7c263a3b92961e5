"""Genotypes: what each donor carries, from the formats of the field."""
