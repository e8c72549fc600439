"""Deploying state machines to AWS Step Functions: a template, with a role for what is used."""
