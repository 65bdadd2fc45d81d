"""Drawing for a terminal, with rich: the results table, a run, a pruned model."""
