"""What each gateway shall work from: versions, what became of them, and the way to the gateway and back."""
