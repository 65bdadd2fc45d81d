"""Making a network really smaller: compaction, its proof, and reloading."""
