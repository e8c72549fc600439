"""What is computed: one module a job, and the catalogue of them all."""

from gristmill.job import catalogue
from jobs import access_logs, traffic_summary, word_count

CATALOGUE = catalogue(word_count.JOB, access_logs.JOB, traffic_summary.JOB)
