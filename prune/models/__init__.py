"""Models as pruning sees them: loading, architectures, sublayers."""
