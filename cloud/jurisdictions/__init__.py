"""What circulars fix for a territory, as data: deadlines, policies, calendars, each with its source."""
