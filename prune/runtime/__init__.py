"""What any part needs of the machine and its processes: nothing here knows of models or pruning."""
