"""What the ledger tells as a whole: figures over time, alarms, metrics, an export."""
