"""What is wrong with a definition, all at once: a rule is a function."""

from gristmill.workflow.lint.checking import Checked, check, check_text, machine_of

__all__ = ["Checked", "check", "check_text", "machine_of"]
