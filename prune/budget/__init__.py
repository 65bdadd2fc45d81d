"""What a target allows: cost models, latency tables, and the choice of units within a budget."""
