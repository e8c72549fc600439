"""Expressions: JSONPath with the intrinsic functions, JSONata, and templates in both."""
