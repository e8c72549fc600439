"""What is computed: one module a job, and the catalogue of them all."""

from gristmill.jobs import (
    access_logs,
    api_activity,
    billing_charges,
    billing_statements,
    billing_summary,
    budgets,
    contract_commitments,
    cost_allocation,
    cost_anomalies,
    flow_summary,
    traffic_details,
    traffic_summary,
    unit_costs,
    utility_statements,
    web_sessions,
    word_count,
)
from gristmill.model.job import catalogue

CATALOGUE = catalogue(
    word_count.JOB,
    access_logs.JOB,
    traffic_summary.JOB,
    traffic_details.JOB,
    web_sessions.JOB,
    flow_summary.JOB,
    api_activity.JOB,
    billing_charges.JOB,
    billing_summary.JOB,
    billing_statements.JOB,
    cost_allocation.JOB,
    budgets.JOB,
    cost_anomalies.JOB,
    unit_costs.JOB,
    contract_commitments.JOB,
    utility_statements.JOB,
)
