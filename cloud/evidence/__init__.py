"""Evidence of hazard records: photos, films, papers, readings; each once, never changed, with its hash."""
