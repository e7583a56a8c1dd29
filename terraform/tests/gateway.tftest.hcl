mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  allowed_countries = ["DE"]
  packages          = "s3://bucket/release"
  package_digests   = { for s in ["api", "receipts", "relay", "sender"] : s => "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" }
}

# The gateway answers 401 to a token that has none of a method's scopes, and a client
# would fetch token after token. The function answers 403.
run "every_route_wants_a_token_with_any_scope_of_ours" {
  assert {
    condition = alltrue([
      for m in aws_api_gateway_method.this :
      m.authorization == "COGNITO_USER_POOLS" && m.authorizer_id == aws_api_gateway_authorizer.clients.id
    ])
    error_message = "A method does not require a token."
  }
  assert {
    condition     = alltrue([for m in aws_api_gateway_method.this : m.authorization_scopes == toset(["sms/read", "sms/send"])])
    error_message = "A method does not accept all scopes, or others too."
  }
}

run "bodies_reach_the_function_as_bytes" {
  assert {
    condition     = aws_api_gateway_rest_api.this.binary_media_types == tolist(["*/*"])
    error_message = "The gateway replaces invalid UTF-8 before the function can refuse it."
  }
}

run "what_the_gateway_answers_is_a_problem" {
  assert {
    condition = alltrue([
      for g in aws_api_gateway_gateway_response.this :
      jsondecode(g.response_templates["application/json"]).status == tonumber(g.status_code)
      && startswith(jsondecode(g.response_templates["application/json"]).type, "urn:smsqueue:problem:")
      && jsondecode(g.response_templates["application/json"]).instance == "$context.requestId"
      && g.response_parameters["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
      && g.response_parameters["gatewayresponse.header.X-Request-Id"] == "context.requestId"
    ])
    error_message = "A gateway response is not a problem, has no request id, or its body has another status."
  }
  # The types in API Gateway's API reference. What is not listed has the default's status.
  assert {
    condition = toset(keys(aws_api_gateway_gateway_response.this)) == toset([
      "ACCESS_DENIED", "API_CONFIGURATION_ERROR", "AUTHORIZER_CONFIGURATION_ERROR", "AUTHORIZER_FAILURE", "BAD_REQUEST_BODY",
      "BAD_REQUEST_PARAMETERS", "DEFAULT_4XX", "DEFAULT_5XX", "EXPIRED_TOKEN", "INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT",
      "INVALID_API_KEY", "INVALID_SIGNATURE", "MISSING_AUTHENTICATION_TOKEN", "QUOTA_EXCEEDED", "REQUEST_TOO_LARGE",
      "RESOURCE_NOT_FOUND", "THROTTLED", "UNAUTHORIZED", "UNSUPPORTED_MEDIA_TYPE", "WAF_FILTERED",
    ])
    error_message = "A type of gateway response is left to the default."
  }
  assert {
    condition = {
      for type, g in aws_api_gateway_gateway_response.this : type => "${g.status_code} ${trimprefix(jsondecode(g.response_templates["application/json"]).type, "urn:smsqueue:problem:")}"
      if contains(["UNAUTHORIZED", "ACCESS_DENIED", "WAF_FILTERED", "MISSING_AUTHENTICATION_TOKEN", "THROTTLED", "REQUEST_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE", "INTEGRATION_TIMEOUT", "DEFAULT_5XX"], type)
      } == {
      UNAUTHORIZED                 = "401 unauthorized"
      ACCESS_DENIED                = "403 insufficient-scope"
      WAF_FILTERED                 = "403 blocked"
      MISSING_AUTHENTICATION_TOKEN = "404 not-found"
      REQUEST_TOO_LARGE            = "413 body-too-large"
      UNSUPPORTED_MEDIA_TYPE       = "415 unsupported-media-type"
      THROTTLED                    = "429 too-many-requests"
      DEFAULT_5XX                  = "500 internal"
      INTEGRATION_TIMEOUT          = "503 outcome-unknown"
    }
    error_message = "A gateway response has the wrong status or slug."
  }
  assert {
    condition = (
      aws_api_gateway_gateway_response.this["THROTTLED"].response_parameters["gatewayresponse.header.Retry-After"] == "'1'"
      && aws_api_gateway_gateway_response.this["UNAUTHORIZED"].response_parameters["gatewayresponse.header.WWW-Authenticate"] == "'Bearer realm=\"sms\"'"
    )
    error_message = "429 lacks Retry-After, or 401 WWW-Authenticate."
  }
}

run "no_page_may_use_the_api" {
  assert {
    condition = length(aws_api_gateway_method.preflight) == 0 && alltrue(flatten([
      for g in aws_api_gateway_gateway_response.this : [for name, value in g.response_parameters : !strcontains(name, "Access-Control")]
    ]))
    error_message = "Browsers let pages use the API, although no origin is allowed."
  }
}

run "pages_of_an_allowed_origin_may_use_the_api" {
  variables {
    api = { allowed_origin = "https://app.example.com:8443" }
  }
  assert {
    condition = toset([for m in aws_api_gateway_method.preflight : "${m.http_method} ${m.authorization} ${m.resource_id}"]) == toset([
      for m in aws_api_gateway_method.this : "OPTIONS NONE ${m.resource_id}"
    ])
    error_message = "A path does not answer browsers that ask for permission without a token."
  }
  assert {
    condition = alltrue([
      for path, m in aws_api_gateway_method.preflight :
      aws_api_gateway_integration.preflight[path].type == "AWS_PROXY" && aws_api_gateway_integration.preflight[path].uri == module.api.alias_invoke_arn
    ])
    error_message = "The function does not answer browsers that ask for permission."
  }
  assert {
    condition = alltrue([
      for g in aws_api_gateway_gateway_response.this :
      g.response_parameters["gatewayresponse.header.Access-Control-Allow-Origin"] == "'https://app.example.com:8443'"
    ])
    error_message = "Pages cannot read an answer of the gateway itself."
  }
}

run "requests_are_throttled_and_logged_without_what_is_private" {
  variables {
    api                         = { requests_per_second = 7, burst = 9 }
    manage_api_gateway_log_role = false # something else has set it
  }
  assert {
    condition     = one(aws_api_gateway_method_settings.all.settings).throttling_rate_limit == 7 && one(aws_api_gateway_method_settings.all.settings).throttling_burst_limit == 9
    error_message = "The throttling differs from the variable api."
  }
  assert {
    condition     = one(aws_api_gateway_method_settings.all.settings).data_trace_enabled == false && one(aws_api_gateway_method_settings.all.settings).logging_level == "OFF"
    error_message = "The gateway logs bodies."
  }
  assert {
    condition     = jsondecode(one(aws_api_gateway_stage.v1.access_log_settings).format).request_id == "$context.requestId"
    error_message = "The access log is not JSON with the request's id."
  }
  assert {
    condition     = !strcontains(one(aws_api_gateway_stage.v1.access_log_settings).format, "$context.path")
    error_message = "The access log has whole paths, which contain ids."
  }
}

run "clients_are_machines" {
  variables {
    clients = {
      shop   = { scopes = ["send"] }
      shop-2 = { owner = "shop" }
    }
  }
  assert {
    condition = alltrue([
      for c in aws_cognito_user_pool_client.this :
      c.generate_secret && c.allowed_oauth_flows == toset(["client_credentials"]) && c.allowed_oauth_flows_user_pool_client
    ])
    error_message = "A client has a flow other than client_credentials, or has no secret."
  }
  assert {
    condition     = aws_cognito_user_pool_client.this["shop"].allowed_oauth_scopes == toset(["sms/send"]) && aws_cognito_user_pool_client.this["shop-2"].allowed_oauth_scopes == toset(["sms/read", "sms/send"])
    error_message = "A client has the wrong scopes."
  }
  assert {
    condition     = one(aws_cognito_user_pool.this.admin_create_user_config).allow_admin_create_user_only
    error_message = "Users can sign up."
  }
}
