"""From the words of a command to composed, checked configs."""
