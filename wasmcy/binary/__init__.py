"""The binary format. Spec: chapter 5."""
