"""A hook for a LiteLLM proxy: one file to copy, which imports nothing of ours."""
