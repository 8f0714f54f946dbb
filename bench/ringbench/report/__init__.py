"""Results as terminal tables, JSON and JUnit XML."""
