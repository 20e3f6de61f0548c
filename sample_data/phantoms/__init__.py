"""Procedural phantoms: anatomy and landscape from formulas and seeded random numbers. No pixel of a real image went into them."""
