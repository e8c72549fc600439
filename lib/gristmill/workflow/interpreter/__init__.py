"""What a state machine does: from one transition to the next, with no effect of its own.

It is pure but for ids and chance: it is told what happened (a time has come, a task has ended), and
changes branches, adds events and says which tasks are to be started. Who drives it writes all that
down, and then does it.
"""
