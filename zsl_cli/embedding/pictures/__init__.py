"""The file of a picture → its pixels as a person sees them: eight bits a sample, sRGB."""
