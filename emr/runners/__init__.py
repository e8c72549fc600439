"""The places on AWS that run jobs: steps of a cluster, a cluster for one run, EMR Serverless."""
