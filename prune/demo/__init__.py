"""What ships for the demo and the tests: a self-made task and a tiny BERT without weights."""
