"""A plug-in package of the tests: a verb whose target can neither be asked nor be told a key."""
