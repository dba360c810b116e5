"""From the broker into the database: decoded, committed in one transaction, and only then receipted."""
