"""Records of finished runs: reading, rows, comparison, selection. Nothing here draws."""
