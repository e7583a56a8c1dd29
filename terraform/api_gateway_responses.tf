# The errors with which the gateway itself answers. A test checks that these errors have the same texts as the
# table in services/api/problem.go.

locals {
  problems = {
    malformed-request = {
      status  = 400
      title   = "The request cannot be read"
      detail  = "The body is not exactly one JSON document in UTF-8, the operation takes no body, or a header or query parameter is invalid."
      headers = {}
    }
    unauthorized = {
      status  = 401
      title   = "No valid token"
      detail  = "The request has no access token, its token has expired or belongs to another deployment, or its client was removed."
      headers = { WWW-Authenticate = "Bearer realm=\"sms\"" }
    }
    insufficient-scope = {
      status  = 403
      title   = "The token lacks a scope"
      detail  = "The token is valid but does not allow this operation."
      headers = {}
    }
    blocked = {
      status  = 403
      title   = "The request was blocked"
      detail  = "A firewall in front of this deployment refused the request."
      headers = {}
    }
    not-found = {
      status  = 404
      title   = "Not found"
      detail  = "Nothing was found here, or it is not yours."
      headers = {}
    }
    body-too-large = {
      status  = 413
      title   = "The body is too large"
      detail  = "The body is larger than this operation accepts."
      headers = {}
    }
    unsupported-media-type = {
      status  = 415
      title   = "Unsupported media type"
      detail  = "The body is not declared as `application/json` in UTF-8 without compression."
      headers = {}
    }
    too-many-requests = {
      status  = 429
      title   = "Too many requests"
      detail  = "This deployment received more requests than it accepts."
      headers = { Retry-After = "1" }
    }
    internal = {
      status  = 500
      title   = "Internal error"
      detail  = "Something went wrong on our side."
      headers = {}
    }
    outcome-unknown = {
      status  = 503
      title   = "The outcome is unknown"
      detail  = "It is not known whether the message was accepted. Repeat the request with its Idempotency-Key: the same key never creates a second message."
      headers = { Retry-After = "5" }
    }
  }

  gateway_responses = {
    BAD_REQUEST_BODY       = "malformed-request"
    BAD_REQUEST_PARAMETERS = "malformed-request"
    UNAUTHORIZED           = "unauthorized"
    EXPIRED_TOKEN          = "unauthorized"
    INVALID_API_KEY        = "unauthorized"
    ACCESS_DENIED          = "insufficient-scope"
    WAF_FILTERED           = "blocked"
    REQUEST_TOO_LARGE      = "body-too-large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type"
    THROTTLED              = "too-many-requests"
    QUOTA_EXCEEDED         = "too-many-requests"

    # If the path or the method is unknown, the gateway expects an AWS signature, and
    # complains that the token is not one.
    MISSING_AUTHENTICATION_TOKEN = "not-found"
    INVALID_SIGNATURE            = "not-found"
    RESOURCE_NOT_FOUND           = "not-found"
    # This default's status and text hold for every 4xx error without an entry here. The
    # only such error is an incomplete signature, which has no response type of its own.
    DEFAULT_4XX = "not-found"

    # The function was called, and may have done its work before this error.
    INTEGRATION_FAILURE = "outcome-unknown"
    INTEGRATION_TIMEOUT = "outcome-unknown"

    API_CONFIGURATION_ERROR        = "internal"
    AUTHORIZER_CONFIGURATION_ERROR = "internal"
    AUTHORIZER_FAILURE             = "internal"
    DEFAULT_5XX                    = "internal"
  }
}

resource "aws_api_gateway_gateway_response" "this" {
  for_each = local.gateway_responses

  rest_api_id   = aws_api_gateway_rest_api.this.id
  response_type = each.key
  status_code   = tostring(local.problems[each.value].status)

  response_parameters = merge(
    {
      "gatewayresponse.header.Content-Type" = "'application/problem+json'"
      "gatewayresponse.header.X-Request-Id" = "context.requestId"
    },
    { for name, value in local.problems[each.value].headers : "gatewayresponse.header.${name}" => "'${value}'" },
    # Without these headers, a web page could not tell an expired token from a network that is down.
    var.api.allowed_origin == null ? {} : {
      "gatewayresponse.header.Access-Control-Allow-Origin"   = "'${var.api.allowed_origin}'"
      "gatewayresponse.header.Access-Control-Expose-Headers" = "'Retry-After, WWW-Authenticate, X-Request-Id'"
    },
  )

  # The gateway picks a template by the header Accept; this one is the default.
  response_templates = {
    "application/json" = jsonencode({
      type     = "urn:smsqueue:problem:${each.value}"
      title    = local.problems[each.value].title
      status   = local.problems[each.value].status
      detail   = local.problems[each.value].detail
      instance = "$context.requestId"
    })
  }
}
