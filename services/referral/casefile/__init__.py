"""A case as a file for a court: signed, the same bytes for the same version, checked without asking anybody."""
