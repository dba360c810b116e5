"""What people owe by the calendar: checks, meetings, drills, rounds of full coverage, themes, safety logs."""
