"""The survey's methods as recipes of a few blocks."""
