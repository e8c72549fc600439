"""Publishing: stage, audit, commit, apply, recover.

A run claims the datasets that it writes, stages its files beside them, and is done once its
manifest is in the log: for all its datasets at once, whatever happens then. Applying the manifest
moves the files in and then deletes those that they replace; every step may be repeated, so any
later run finishes what a crash cut off. Until the commit nothing that a reader sees has changed;
while an apply is under way a reader may see both the old and the new files of a partition.

`layout` says where things lie, `publication` what a run does, `lease` who may write, `log` what has
happened, `settle` how a run is finished, `state` which files there should be, `batch` what a load
takes the place of, `retention` how what is old goes.
"""
