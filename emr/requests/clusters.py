"""Clusters: a spec as what RunJobFlow is asked for."""

from gristmill.emr.package import Shipped
from gristmill.emr.requests import CLUSTER_TAG, MANAGED_TAG, RUN_TAG, Request, title
from gristmill.emr.requests.steps import step
from gristmill.emr.specs.cluster import ClusterSpec, Nodes, Scaling, Task
from gristmill.runs import Submission


def cluster_name(spec: ClusterSpec) -> str:
    """What a cluster that stays is called: it can be found by it."""
    return f"gristmill {spec.name}"


def run_job_flow(spec: ClusterSpec) -> Request:
    """A cluster that stays until it has been idle for long enough."""
    return _cluster(spec, f"gristmill {spec.name}") | {
        "StepConcurrencyLevel": spec.step_concurrency
    }


def run_job_flow_for(spec: ClusterSpec, shipped: Shipped, submission: Submission) -> Request:
    """A cluster that is there for one run and ends with it."""
    request = _cluster(spec, title(submission))
    request["Instances"]["KeepJobFlowAliveWhenNoSteps"] = False
    # Else it would outlive its run.
    request["Instances"]["TerminationProtected"] = False
    request["Tags"] = [*request["Tags"], {"Key": RUN_TAG, "Value": submission.run}]
    request["Steps"] = [step(spec, shipped, submission, on_failure="TERMINATE_CLUSTER")]
    if spec.runtime_role:
        request["StepExecutionRoleArn"] = spec.runtime_role
    return request


def _cluster(spec: ClusterSpec, name: str) -> Request:
    tags = {CLUSTER_TAG: spec.name, MANAGED_TAG: "true", **spec.tags}
    request: Request = {
        "Name": name,
        "ReleaseLabel": spec.release_label,
        "Applications": [{"Name": "Spark"}],
        "LogUri": f"{spec.logs}/",
        "ServiceRole": spec.service_role,
        "JobFlowRole": spec.instance_profile,
        "Instances": _instances(spec),
        "EbsRootVolumeSize": spec.root_volume_gib,
        "ScaleDownBehavior": "TERMINATE_AT_TASK_COMPLETION",
        "AutoTerminationPolicy": {"IdleTimeout": int(spec.idle_timeout.total_seconds())},
        "VisibleToAllUsers": True,
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }
    if spec.core:
        request["Configurations"] = _configurations()
    if spec.security_configuration:
        request["SecurityConfiguration"] = spec.security_configuration
    if spec.bootstrap:
        request["BootstrapActions"] = [
            {
                "Name": action.name,
                "ScriptBootstrapAction": {"Path": action.script, "Args": list(action.args)},
            }
            for action in spec.bootstrap
        ]
    if spec.scaling:
        request["ManagedScalingPolicy"] = {"ComputeLimits": _limits(spec, spec.scaling)}
    return request


def _configurations() -> list[Request]:
    # Where there are core nodes: a driver that waits for a label that no node has waits for ever.
    # Off by default since EMR 6; without them a driver may be put on a Spot node
    # (https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-plan-instances-guidelines.html).
    labels = {
        "yarn.node-labels.enabled": "true",
        "yarn.node-labels.am.default-node-label-expression": "CORE",
    }
    return [{"Classification": "yarn-site", "Properties": labels}]


def _instances(spec: ClusterSpec) -> Request:
    instances: Request = {
        "KeepJobFlowAliveWhenNoSteps": True,
        "TerminationProtected": spec.termination_protection,
    }
    if spec.nodes == "fleets":
        instances["InstanceFleets"] = [_fleet(role, nodes) for role, nodes in spec.roles.items()]
        instances["Ec2SubnetIds"] = list(spec.subnets)
    else:
        instances["InstanceGroups"] = [_group(role, nodes) for role, nodes in spec.roles.items()]
        instances["Ec2SubnetId"] = spec.subnets[0]
    if spec.primary_security_groups:
        instances["AdditionalMasterSecurityGroups"] = list(spec.primary_security_groups)
    if spec.core_security_groups:
        instances["AdditionalSlaveSecurityGroups"] = list(spec.core_security_groups)
    return instances


_ROLES = {"primary": "MASTER", "core": "CORE", "task": "TASK"}


def _fleet(role: str, nodes: Nodes) -> Request:
    on_demand, spot = _counts(nodes)
    fleet: Request = {
        "Name": role,
        "InstanceFleetType": _ROLES[role],
        "TargetOnDemandCapacity": on_demand,
        "TargetSpotCapacity": spot,
        "InstanceTypeConfigs": [
            {
                "InstanceType": instance_type,
                "WeightedCapacity": nodes.weights.get(instance_type, 1),
                # With `prioritized`, the order in the spec is the order of choice.
                "Priority": float(place),
                **_volumes(nodes),
            }
            for place, instance_type in enumerate(nodes.instance_types)
        ],
        "LaunchSpecifications": {"OnDemandSpecification": {"AllocationStrategy": "prioritized"}},
    }
    if isinstance(nodes, Task):
        fleet["LaunchSpecifications"]["SpotSpecification"] = {
            "TimeoutDurationMinutes": int(nodes.spot_timeout.total_seconds() // 60),
            "TimeoutAction": {
                "on_demand": "SWITCH_TO_ON_DEMAND",
                "terminate": "TERMINATE_CLUSTER",
            }[nodes.spot_fallback],
            "AllocationStrategy": "price-capacity-optimized",
        }
    return fleet


def _group(role: str, nodes: Nodes) -> Request:
    on_demand, spot = _counts(nodes)
    return {
        "Name": role,
        "InstanceRole": _ROLES[role],
        "Market": "SPOT" if spot else "ON_DEMAND",
        "InstanceType": nodes.instance_types[0],
        "InstanceCount": on_demand + spot,
        **_volumes(nodes),
    }


def _counts(nodes: Nodes) -> tuple[int, int]:
    """How many units are On-Demand, and how many Spot."""
    if isinstance(nodes, Task):
        return nodes.on_demand, nodes.spot
    return getattr(nodes, "count", 1), 0


def _volumes(nodes: Nodes) -> Request:
    if not nodes.volumes:
        return {}
    devices = []
    for volume in nodes.volumes:
        specification: Request = {"VolumeType": volume.type, "SizeInGB": volume.size_gib}
        if volume.iops is not None:
            specification["Iops"] = volume.iops
        if volume.throughput is not None:
            specification["Throughput"] = volume.throughput
        devices.append(
            {"VolumeSpecification": specification, "VolumesPerInstance": volume.per_node}
        )
    return {"EbsConfiguration": {"EbsBlockDeviceConfigs": devices, "EbsOptimized": True}}


def _limits(spec: ClusterSpec, scaling: Scaling) -> Request:
    limits: Request = {
        "UnitType": "InstanceFleetUnits" if spec.nodes == "fleets" else "Instances",
        "MinimumCapacityUnits": scaling.minimum,
        "MaximumCapacityUnits": scaling.maximum,
    }
    if scaling.maximum_core is not None:
        limits["MaximumCoreCapacityUnits"] = scaling.maximum_core
    if scaling.maximum_on_demand is not None:
        limits["MaximumOnDemandCapacityUnits"] = scaling.maximum_on_demand
    return limits
