# The REST API. Each line of routes is an operation in services/api/openapi.yaml.

locals {
  # Every route accepts any of our scopes, and the function checks the scope of the
  # operation. If a route named only the scope of its operation, the gateway would answer
  # 401 to a token with another scope. A 401 would wrongly tell the client that a new token
  # helps.
  routes = {
    send_message    = { method = "POST", path = "/sms" }
    list_messages   = { method = "GET", path = "/sms" }
    send_batch      = { method = "POST", path = "/sms/batch" }
    preview_message = { method = "POST", path = "/sms/preview" }
    get_message     = { method = "GET", path = "/sms/{id}" }
    cancel_message  = { method = "POST", path = "/sms/{id}/cancel" }
    resend_message  = { method = "POST", path = "/sms/{id}/resend" }
    delete_text     = { method = "DELETE", path = "/sms/{id}/message" }
    get_status      = { method = "GET", path = "/status" }
  }

  # All paths and their parents, without the leading slash. They are grouped by
  # depth, because a resource cannot refer to another one of the same for_each.
  paths = toset(flatten([
    for r in local.routes : [
      for n in range(length(split("/", r.path)) - 1) : join("/", slice(split("/", r.path), 1, n + 2))
    ]
  ]))
  depth = { for p in local.paths : p => length(split("/", p)) }
  resources = merge(
    { for p, r in aws_api_gateway_resource.first : p => r.id },
    { for p, r in aws_api_gateway_resource.second : p => r.id },
    { for p, r in aws_api_gateway_resource.third : p => r.id },
  )
}

resource "aws_api_gateway_rest_api" "this" {
  # checkov:skip=CKV_AWS_237: a new API would have a new address, so it must never be replaced automatically
  name        = var.name
  description = "Sends SMS and shows what became of them."

  # Passes bodies to the function as raw bytes. In text bodies, the gateway would
  # replace invalid UTF-8 with U+FFFD, and the function could not refuse it.
  binary_media_types = ["*/*"]

  endpoint_configuration {
    types = ["REGIONAL"]
  }
}

resource "aws_api_gateway_resource" "first" {
  for_each = toset([for p, n in local.depth : p if n == 1])

  rest_api_id = aws_api_gateway_rest_api.this.id
  parent_id   = aws_api_gateway_rest_api.this.root_resource_id
  path_part   = each.key
}

resource "aws_api_gateway_resource" "second" {
  for_each = toset([for p, n in local.depth : p if n == 2])

  rest_api_id = aws_api_gateway_rest_api.this.id
  parent_id   = aws_api_gateway_resource.first[dirname(each.key)].id
  path_part   = basename(each.key)
}

resource "aws_api_gateway_resource" "third" {
  for_each = toset([for p, n in local.depth : p if n == 3])

  rest_api_id = aws_api_gateway_rest_api.this.id
  parent_id   = aws_api_gateway_resource.second[dirname(each.key)].id
  path_part   = basename(each.key)
}

resource "aws_api_gateway_authorizer" "clients" {
  name          = "clients"
  type          = "COGNITO_USER_POOLS"
  rest_api_id   = aws_api_gateway_rest_api.this.id
  provider_arns = [aws_cognito_user_pool.this.arn]
}

resource "aws_api_gateway_method" "this" {
  # checkov:skip=CKV2_AWS_53: the function validates everything and reports errors by field
  for_each = local.routes

  rest_api_id          = aws_api_gateway_rest_api.this.id
  resource_id          = local.resources[trimprefix(each.value.path, "/")]
  http_method          = each.value.method
  authorization        = "COGNITO_USER_POOLS"
  authorizer_id        = aws_api_gateway_authorizer.clients.id
  authorization_scopes = [for scope in keys(local.scopes) : "${aws_cognito_resource_server.sms.identifier}/${scope}"]
}

resource "aws_api_gateway_integration" "this" {
  for_each = local.routes

  rest_api_id             = aws_api_gateway_rest_api.this.id
  resource_id             = aws_api_gateway_method.this[each.key].resource_id
  http_method             = aws_api_gateway_method.this[each.key].http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = module.api.alias_invoke_arn
  timeout_milliseconds    = (10 + var.api.longest_wait_seconds) * 1000 # the longest time that an answer takes
}

# A browser asks for permission with OPTIONS and without a token. The function answers
# these requests too, and does nothing else for a request without a token. An integration of type MOCK would
# repeat the function's answer in this file.
resource "aws_api_gateway_method" "preflight" {
  # checkov:skip=CKV2_AWS_53: the function validates everything
  for_each = var.api.allowed_origin == null ? [] : toset([for r in local.routes : trimprefix(r.path, "/")])

  rest_api_id   = aws_api_gateway_rest_api.this.id
  resource_id   = local.resources[each.key]
  http_method   = "OPTIONS"
  authorization = "NONE"
}

resource "aws_api_gateway_integration" "preflight" {
  for_each = aws_api_gateway_method.preflight

  rest_api_id             = aws_api_gateway_rest_api.this.id
  resource_id             = each.value.resource_id
  http_method             = each.value.http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = module.api.alias_invoke_arn
}

resource "aws_api_gateway_deployment" "this" {
  rest_api_id = aws_api_gateway_rest_api.this.id

  # A deployment is a snapshot of the API. Any change to the values in this hash makes a new deployment.
  triggers = {
    content = sha256(jsonencode([
      aws_api_gateway_rest_api.this.binary_media_types,
      aws_api_gateway_authorizer.clients.provider_arns,
      [for r in local.resources : r],
      [for m in aws_api_gateway_method.this : [m.resource_id, m.http_method, m.authorizer_id, m.authorization_scopes]],
      [for i in aws_api_gateway_integration.this : [i.uri, i.timeout_milliseconds]],
      [for i in aws_api_gateway_integration.preflight : [i.resource_id, i.uri]],
      [for g in aws_api_gateway_gateway_response.this : [g.response_type, g.status_code, g.response_parameters, g.response_templates]],
    ]))
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_api_gateway_stage" "v1" {
  # checkov:skip=CKV_AWS_73: X-Ray is a choice, because it can cost more than the requests
  # checkov:skip=CKV_AWS_76: API Gateway can log only if the account has a role for its logs, and only the caller knows whether it has
  # checkov:skip=CKV_AWS_120: look-ups must return the current state
  # checkov:skip=CKV2_AWS_4: execution logs contain texts and numbers; the access log is enough
  # checkov:skip=CKV2_AWS_29: every route requires a token; the account can attach its own web ACL to the stage
  # checkov:skip=CKV2_AWS_51: functions authenticate API Gateway by IAM, not by a certificate
  rest_api_id          = aws_api_gateway_rest_api.this.id
  deployment_id        = aws_api_gateway_deployment.this.id
  stage_name           = "v1"
  xray_tracing_enabled = var.monitoring.tracing

  dynamic "access_log_settings" {
    for_each = aws_cloudwatch_log_group.gateway

    content {
      destination_arn = access_log_settings.value.arn
      format = jsonencode({
        request_id    = "$context.requestId"
        at            = "$context.requestTimeEpoch"
        source_ip     = "$context.identity.sourceIp"
        client_id     = "$context.authorizer.claims.client_id"
        method        = "$context.httpMethod"
        resource      = "$context.resourcePath" # the path pattern, without ids
        status        = "$context.status"
        latency_ms    = "$context.responseLatency"
        function_ms   = "$context.integrationLatency"
        response_type = "$context.error.responseType" # only for errors of the gateway itself
        trace_id      = "$context.xrayTraceId"
      })
    }
  }

  # Without a log role, API Gateway refuses a stage with an access log.
  depends_on = [module.account_wide]
}

resource "aws_api_gateway_method_settings" "all" {
  # checkov:skip=CKV_AWS_225: look-ups must return the current state
  rest_api_id = aws_api_gateway_rest_api.this.id
  stage_name  = aws_api_gateway_stage.v1.stage_name
  method_path = "*/*" # each method by itself, not all of them together

  settings {
    throttling_rate_limit  = var.api.requests_per_second
    throttling_burst_limit = var.api.burst
    metrics_enabled        = var.monitoring.detailed_metrics
    logging_level          = "OFF" # execution logs contain texts and numbers; the access log is enough
    data_trace_enabled     = false
  }
}

resource "aws_cloudwatch_log_group" "gateway" {
  count = var.manage_api_gateway_log_role == null ? 0 : 1

  name              = "/aws/apigateway/${var.name}"
  retention_in_days = var.logs.retention_days
  kms_key_id        = local.kms_key
}
