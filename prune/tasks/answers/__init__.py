"""Questions about a text: windows over long texts, and answers out of logits."""
