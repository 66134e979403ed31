"""What agents copy: the guard. Imports nothing of Pullcord itself (import-linter checks it)."""
