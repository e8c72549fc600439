"""Telling people and queues what became of runs.

What is to be told is written with the transition, in its transaction; a sender takes it from there.
So nothing is lost, and what is told twice carries the same id.
"""
