"""Workflows: state machines in the Amazon States Language, run here or on AWS Step Functions.

The language: https://states-language.net. What Step Functions adds to it:
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html.
"""
