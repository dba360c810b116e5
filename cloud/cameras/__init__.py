"""What cameras see, shown while somebody looks; and whether people find their alarms right."""
