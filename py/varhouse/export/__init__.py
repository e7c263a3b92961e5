"""What the warehouse holds, written for other tools: one module a target."""
