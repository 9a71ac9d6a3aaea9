"""What visitors notice while parts of the stack fail: each failure under load, then the accounts."""
