"""Stands in front of libraries that a test machine has no hardware for; put on the path by one test."""
