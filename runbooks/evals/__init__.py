"""Eval-case formats: one per file, each rendering a case and proving that it discriminates."""
