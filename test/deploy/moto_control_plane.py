"""moto as a server, mended where `terraform apply` of this repository would see
a change on its second plan, or could not destroy what it made. These are gaps of
moto 5.2, not of the module. It is run with moto's interpreter:

    python moto_control_plane.py -H 127.0.0.1 -p PORT
"""

import os
import sys

# AWS's own policies, such as the one with which API Gateway logs.
os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"

from moto.apigateway.models import APIGatewayBackend  # noqa: E402
from moto.apigateway.responses import APIGatewayResponse  # noqa: E402
from moto.awslambda.models import EventSourceMapping, LambdaFunction  # noqa: E402
from moto.cognitoidp.responses import CognitoIdpResponse  # noqa: E402
from moto.core.responses import EmptyResult  # noqa: E402
from moto.server import main  # noqa: E402
from moto.sqs.models import Queue  # noqa: E402


def wrap(owner, name):
    """Puts the decorated function, which is given the original first, in the
    place of owner's method."""

    def decorate(function):
        original = getattr(owner, name)
        setattr(owner, name, lambda self, *a, **k: function(original, self, *a, **k))

    return decorate


# Queues forget who may use them as a dead-letter queue, and write their own
# redrive policy anew; Terraform compares texts.
@wrap(Queue, "_set_attributes")
def keep_redrive_policies(original, queue, attributes, now=None):
    written = queue.__dict__.setdefault("_written", {})
    for name in ("RedriveAllowPolicy", "RedrivePolicy"):
        if attributes.get(name):
            written[name] = attributes[name]
    original(queue, attributes, now)


get_attributes = Queue.attributes.fget
Queue.attributes = property(lambda queue: get_attributes(queue) | queue._written)


# Functions forget how they log.
@wrap(LambdaFunction, "__init__")
def keep_logging(original, function, **kwargs):
    original(function, **kwargs)
    function.logging_config = kwargs["spec"].get("LoggingConfig")


@wrap(LambdaFunction, "get_configuration")
def show_logging(original, function, *args, **kwargs):
    return original(function, *args, **kwargs) | {"LoggingConfig": function.logging_config}


# Mappings name the version that an alias stood for, not the alias.
@wrap(EventSourceMapping, "__init__")
def keep_alias(original, mapping, spec):
    if spec["FunctionName"].startswith("arn:"):
        spec = spec | {"FunctionArn": spec["FunctionName"]}
    original(mapping, spec)


# REST APIs forget which media types are binary.
@wrap(APIGatewayBackend, "create_rest_api")
def keep_binary_types(original, backend, *args, **kwargs):
    api = original(backend, *args, **kwargs)
    api.binaryMediaTypes = backend._binary_types
    return api


@wrap(APIGatewayResponse, "create_rest_api")
def note_binary_types(original, response):
    response.backend._binary_types = response._get_param("binaryMediaTypes") or []
    return original(response)


# User pools lose their tags at an update, which does not repeat them, and have no
# TagResource to get them back.
@wrap(CognitoIdpResponse, "update_user_pool")
def keep_tags(original, response):
    pool = response.backend.describe_user_pool(response._get_param("UserPoolId"))
    tags = pool.extended_config.get("UserPoolTags")
    original(response)
    pool.extended_config.setdefault("UserPoolTags", tags)


# DeleteResourceServer does not exist.
def delete_resource_server(response):
    pool = response.backend.describe_user_pool(response._get_param("UserPoolId"))
    pool.resource_servers.pop(response._get_param("Identifier"), None)
    return EmptyResult()


CognitoIdpResponse.delete_resource_server = delete_resource_server

main(sys.argv[1:])
