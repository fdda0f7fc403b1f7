"""Validation: whether a module is one that can be executed. Spec: chapter 3."""
