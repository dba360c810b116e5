"""Back-test: what other rules would have done over a recorded history. Pure, with numpy."""
