"""Features of examples: their columns, fingerprints, and what models give for them."""
