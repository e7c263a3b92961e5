"""What links variants and genes: evidence slices, QTLs, intervals, tags, weights of sources."""
