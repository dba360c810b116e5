"""What the work is measured by: indicators as of an instant, the board of a territory, how alarms fare."""
