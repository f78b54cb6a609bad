"""Kinds of dropout: a file for each family, which has its functions, layers and rows of the catalog together."""
