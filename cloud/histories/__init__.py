"""Histories as files: points over a span at a level, written by a program of its own, kept for a day.

A file is written to the disk of whoever writes and lies in the database then, so that every web process gives
it out.

What is asked for waits in the database. One of the web processes takes it up and has it written beside
itself, so that neither pages nor live values wait for millions of rows.
"""
