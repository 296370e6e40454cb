"""Four ways to look for the worst case: exact, certified, algebraic, adversarial."""
