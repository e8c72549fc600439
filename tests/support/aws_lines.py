"""Lines of AWS's logs, written after AWS's pages about them, and the envelopes that hold some."""

import json
from collections.abc import Sequence

NLB = (
    "tls 2.0 2026-03-04T08:51:42 net/my-network-loadbalancer/c6e77e28c25b2234 g3d4b5e8bb8464cd "
    "192.0.2.51:51341 198.51.100.185:443 5 2 98 246 - "
    "arn:aws:acm:us-east-2:111122223333:certificate/2a108f19 - ECDHE-RSA-AES128-SHA TLSv12 - "
    "lb.example.com"
)
ALPN = f'{NLB} h2 h2 "h2","http/1.1" 2026-03-03T23:51:20'
ALB_CONNECTION = (
    "2026-03-04T17:05:15.514108Z 203.0.113.1 36280 443 TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 4.036 "
    '"CN=example.com,O=end Entity,L=Seattle" '
    "NotBefore=2025-09-21T22:43:21Z;NotAfter=2027-06-17T22:43:21Z FEF257372D5C14D4 Success"
)
DNS = (
    '{"version":"1.100000","account_id":"111122223333","region":"us-east-1",'
    '"vpc_id":"vpc-00112233","query_timestamp":"2026-03-04T17:51:55Z",'
    '"query_name":"example.com.","query_type":"A","query_class":"IN","rcode":"NOERROR",'
    '"answers":[{"Rdata":"203.0.113.9","Type":"A","Class":"IN"}],"srcaddr":"10.0.0.4",'
    '"srcport":"56067","transport":"UDP","srcids":{"instance":"i-0d15cd0d3"},'
    '"firewall_rule_action":"BLOCK","firewall_rule_group_id":"rslvr-frg-1",'
    '"firewall_domain_list_id":"rslvr-fdl-1","a_new_key":1}'
)
TGW = (
    "6 TransitGateway 111122223333 tgw-012345 tgw-attach-0a1 222233334444 333344445555 vpc-0aaa "
    "vpc-0bbb subnet-0aaa subnet-0bbb eni-0aaa eni-0bbb use1-az4 use1-az6 tgw-attach-0b2 "
    "10.0.0.4 10.1.0.5 56067 443 6 20 4249 1772582399 1772582459 OK IPv4 1 2 3 4 19 us-east-1 "
    "ingress - S3"
)


def envelope(messages: Sequence[str], kind: str = "DATA_MESSAGE") -> str:
    """What a subscription of CloudWatch Logs sends, with braces where one may stand."""
    events = [
        {
            "id": f"31953106606966983378{number}",
            "timestamp": 1432826855000 + number,
            "message": text,
        }
        for number, text in enumerate(messages)
    ]
    return json.dumps(
        {
            "owner": "111111111111",
            "logGroup": "a {group}",
            "logStream": "111111111111_CloudTrail_us-east-1",
            "subscriptionFilters": ["Destination"],
            "messageType": kind,
            "logEvents": events,
        }
    )
