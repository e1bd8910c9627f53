"""How what was decided is carried out: requests, assignments, publications."""
