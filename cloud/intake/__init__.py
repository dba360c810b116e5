"""What other systems know: attendance, certificates, registrations, warnings; never made up here."""
