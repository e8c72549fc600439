"""What a run does: read, judge, transform, stage, audit, commit."""
