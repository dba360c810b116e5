"""Back-tests: a site's history out of the database, judged by other rules, exported, packed."""
