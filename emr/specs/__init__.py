"""What is made on AWS, as typed values from TOML: clusters and serverless applications."""

from emr.specs.cluster import ClusterSpec
from emr.specs.load import Spec, load_spec
from emr.specs.serverless import ServerlessSpec

__all__ = ["ClusterSpec", "ServerlessSpec", "Spec", "load_spec"]
