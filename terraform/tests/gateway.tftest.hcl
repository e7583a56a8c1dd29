mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  allowed_countries = ["DE"]
  packages          = "s3://bucket/release"
}

run "every_route_wants_a_token_with_its_scope" {
  assert {
    condition = alltrue([
      for m in aws_api_gateway_method.this :
      m.authorization == "COGNITO_USER_POOLS" && m.authorizer_id == aws_api_gateway_authorizer.clients.id && length(m.authorization_scopes) == 1
    ])
    error_message = "A method does not require a token with a scope."
  }
  assert {
    condition     = alltrue([for r in local.routes : contains(keys(local.scopes), r.scope)])
    error_message = "A route requires a scope that does not exist."
  }
  assert {
    condition     = aws_api_gateway_method.this["send_message"].authorization_scopes == toset(["sms/send"])
    error_message = "Sending does not require the scope sms/send."
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
    ])
    error_message = "A gateway response is not a problem, or its body has another status."
  }
  assert {
    condition = {
      for type, g in aws_api_gateway_gateway_response.this : type => "${g.status_code} ${trimprefix(jsondecode(g.response_templates["application/json"]).type, "urn:smsqueue:problem:")}"
      if contains(["UNAUTHORIZED", "ACCESS_DENIED", "MISSING_AUTHENTICATION_TOKEN", "THROTTLED", "REQUEST_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE", "INTEGRATION_TIMEOUT", "DEFAULT_5XX"], type)
      } == {
      UNAUTHORIZED                 = "401 unauthorized"
      ACCESS_DENIED                = "403 insufficient-scope"
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
