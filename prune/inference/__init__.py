"""How a model is called where it is served: runtimes, and the formats that models are saved in for them."""
