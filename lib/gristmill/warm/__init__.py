"""The warm process: what a run leaves behind, so that the next one starts in a moment.

`server` has everything imported and forks for each run; what a run starts of Spark it keeps for
the next. `client` hands a command over to it. `folder` says where the two meet.
"""
