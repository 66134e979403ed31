"""Alert sources: one file each, a pure parser from a payload to alerts; ``fields`` holds what they share."""
