"""What is handed in beside the reports: the monthly report, packages of incidents, traces of attendance."""
