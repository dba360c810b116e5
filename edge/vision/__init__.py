"""Seeing: which models a gateway looks at camera pictures with, and what is known of them."""
