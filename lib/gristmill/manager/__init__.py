"""The job manager: a ledger of runs, a queue over it, workers, triggers, notices, statistics.

One database is the truth. Workers are stateless: they claim runs, start them at places under a run
key that starts nothing twice, and write down what became of them. What dies is taken up by others.
"""
