"""What words mean in a vocabulary: a user's list, phrases, sentences, sums."""
