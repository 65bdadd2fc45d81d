"""Model cards, as the Hugging Face hub reads them."""
