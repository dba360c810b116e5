"""Cranes that can reach one another, and what they must stay away from: pure geometry on the site's grid.

Importing the package loads no numpy; `pairs`, `surroundings` and `group` do, for gateways with crane groups.
"""
