"""Live push: what has just been committed, to every viewer, resumable."""
