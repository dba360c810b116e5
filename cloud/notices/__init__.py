"""Who is told of alarms and hazards outside of the pages, by which channel, and what became of it."""
