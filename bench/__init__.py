"""Varve beside its peers, on this machine, in one run. README.md says what each file is."""
