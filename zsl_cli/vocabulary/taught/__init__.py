"""What was taught to a vocabulary: lessons, and the folder that keeps them over its base."""
