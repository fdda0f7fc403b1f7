"""What the command line shows of modules: an overview, instructions, translated words."""
