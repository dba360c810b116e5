"""Histories as files: points over a span at a level, written by a program of its own, kept for a day.

What is asked for waits in the database. One of the web processes takes it up and has it written beside
itself, so that neither pages nor live values wait for millions of rows.
"""
