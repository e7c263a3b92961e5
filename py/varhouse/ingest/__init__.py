"""Files in, raw tables out: `varhouse load`."""
