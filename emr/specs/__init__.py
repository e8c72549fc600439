"""What is made on AWS, as typed values from TOML: clusters and serverless applications."""

from gristmill.emr.specs.cluster import ClusterSpec
from gristmill.emr.specs.load import Spec, load_spec
from gristmill.emr.specs.serverless import ServerlessSpec

__all__ = ["ClusterSpec", "ServerlessSpec", "Spec", "load_spec"]
