# The REST API. One line of routes is one operation of services/api/openapi.yaml.

locals {
  routes = {
    send_message    = { method = "POST", path = "/sms", scope = "send" }
    list_messages   = { method = "GET", path = "/sms", scope = "read" }
    send_batch      = { method = "POST", path = "/sms/batch", scope = "send" }
    preview_message = { method = "POST", path = "/sms/preview", scope = "send" }
    get_message     = { method = "GET", path = "/sms/{id}", scope = "read" }
    cancel_message  = { method = "POST", path = "/sms/{id}/cancel", scope = "send" }
    resend_message  = { method = "POST", path = "/sms/{id}/resend", scope = "send" }
    drop_text       = { method = "DELETE", path = "/sms/{id}/message", scope = "send" }
    get_status      = { method = "GET", path = "/status", scope = "read" }
  }

  # Every path and what leads to it, without the slash in front, by its depth.
  # A resource cannot refer to another of its own for_each.
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
  # checkov:skip=CKV_AWS_237: a new API has a new address: it must never replace the old one by itself
  name        = var.name
  description = "Sends SMS and tells what became of them."

  # Bodies come to the function as the bytes they are. As text, the gateway would
  # put U+FFFD in the place of bad UTF-8, and the function could not refuse it.
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
  # checkov:skip=CKV2_AWS_53: the function checks everything, and says by field what is wrong
  for_each = local.routes

  rest_api_id          = aws_api_gateway_rest_api.this.id
  resource_id          = local.resources[trimprefix(each.value.path, "/")]
  http_method          = each.value.method
  authorization        = "COGNITO_USER_POOLS"
  authorizer_id        = aws_api_gateway_authorizer.clients.id
  authorization_scopes = ["${aws_cognito_resource_server.sms.identifier}/${each.value.scope}"]
}

resource "aws_api_gateway_integration" "this" {
  for_each = local.routes

  rest_api_id             = aws_api_gateway_rest_api.this.id
  resource_id             = aws_api_gateway_method.this[each.key].resource_id
  http_method             = aws_api_gateway_method.this[each.key].http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = module.api.alias_invoke_arn
  timeout_milliseconds    = (10 + var.api.longest_wait_seconds) * 1000 # no answer takes longer
}

resource "aws_api_gateway_deployment" "this" {
  rest_api_id = aws_api_gateway_rest_api.this.id

  # What is deployed is a copy, so everything in it is named here.
  triggers = {
    content = sha256(jsonencode([
      aws_api_gateway_rest_api.this.binary_media_types,
      aws_api_gateway_authorizer.clients.provider_arns,
      [for r in local.resources : r],
      [for m in aws_api_gateway_method.this : [m.resource_id, m.http_method, m.authorizer_id, m.authorization_scopes]],
      [for i in aws_api_gateway_integration.this : [i.uri, i.timeout_milliseconds]],
      [for g in aws_api_gateway_gateway_response.this : [g.response_type, g.status_code, g.response_parameters, g.response_templates]],
    ]))
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_api_gateway_stage" "v1" {
  # checkov:skip=CKV_AWS_120: a look-up is the state as of now
  # checkov:skip=CKV2_AWS_4: execution logs hold texts and numbers; the access log says what is needed
  # checkov:skip=CKV2_AWS_29: every route wants a token; a web ACL of the account can be associated with the stage
  # checkov:skip=CKV2_AWS_51: functions know API Gateway by IAM, not by a certificate
  rest_api_id          = aws_api_gateway_rest_api.this.id
  deployment_id        = aws_api_gateway_deployment.this.id
  stage_name           = "v1"
  xray_tracing_enabled = true

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.gateway.arn
    format = jsonencode({
      request_id    = "$context.requestId"
      at            = "$context.requestTimeEpoch"
      source_ip     = "$context.identity.sourceIp"
      client_id     = "$context.authorizer.claims.client_id"
      method        = "$context.httpMethod"
      resource      = "$context.resourcePath" # the pattern: no ids
      status        = "$context.status"
      latency_ms    = "$context.responseLatency"
      function_ms   = "$context.integrationLatency"
      response_type = "$context.error.responseType" # of an answer that the gateway gave itself
      trace_id      = "$context.xrayTraceId"
    })
  }

  depends_on = [aws_api_gateway_account.this]
}

resource "aws_api_gateway_method_settings" "all" {
  # checkov:skip=CKV_AWS_225: a look-up is the state as of now
  rest_api_id = aws_api_gateway_rest_api.this.id
  stage_name  = aws_api_gateway_stage.v1.stage_name
  method_path = "*/*"

  settings {
    throttling_rate_limit  = var.api.requests_per_second
    throttling_burst_limit = var.api.burst
    metrics_enabled        = true
    logging_level          = "OFF" # execution logs hold texts and numbers; the access log says what is needed
    data_trace_enabled     = false
  }
}

resource "aws_cloudwatch_log_group" "gateway" {
  name              = "/aws/apigateway/${var.name}"
  retention_in_days = var.logs.retention_days
  kms_key_id        = local.kms_key
}

# One role for all of API Gateway in this account and Region.

resource "aws_api_gateway_account" "this" {
  count = var.manage_api_gateway_log_role ? 1 : 0

  cloudwatch_role_arn = aws_iam_role.gateway_logs[0].arn

  depends_on = [aws_iam_role_policy_attachment.gateway_logs]
}

resource "aws_iam_role" "gateway_logs" {
  count = var.manage_api_gateway_log_role ? 1 : 0

  name = "${var.name}-gateway-logs"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "apigateway.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy_attachment" "gateway_logs" {
  count = var.manage_api_gateway_log_role ? 1 : 0

  role       = aws_iam_role.gateway_logs[0].name
  policy_arn = "arn:${local.partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
}
