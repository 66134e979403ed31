"""A plug-in package of the tests: a verb and the control plane that can do it, one file each."""
