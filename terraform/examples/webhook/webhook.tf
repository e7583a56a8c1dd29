# Calls https://shop.example/sms-status when a message of the owner "shop" ends.

resource "aws_cloudwatch_event_rule" "ended" {
  name           = "sms-ended"
  event_bus_name = module.smsqueue.event_bus.name
  event_pattern = jsonencode({
    source      = ["smsqueue"]
    detail-type = ["SMS Status Changed"]
    detail = {
      owner  = ["shop"]
      status = ["delivered", "undelivered", "failed", "expired", "canceled", "unknown"]
    }
  })
}

resource "aws_cloudwatch_event_connection" "webhook" {
  name               = "sms-webhook"
  authorization_type = "API_KEY"

  auth_parameters {
    api_key {
      key   = "X-Api-Key"
      value = var.webhook_key
    }
  }
}

resource "aws_cloudwatch_event_api_destination" "webhook" {
  name                             = "sms-webhook"
  invocation_endpoint              = "https://shop.example/sms-status" # has 5 seconds to answer
  http_method                      = "POST"
  invocation_rate_limit_per_second = 50
  connection_arn                   = aws_cloudwatch_event_connection.webhook.arn
}

resource "aws_cloudwatch_event_target" "webhook" {
  rule           = aws_cloudwatch_event_rule.ended.name
  event_bus_name = module.smsqueue.event_bus.name
  arn            = aws_cloudwatch_event_api_destination.webhook.arn
  role_arn       = aws_iam_role.webhook.arn
  input_path     = "$.detail" # the body of the call

  retry_policy {
    maximum_event_age_in_seconds = 24 * 60 * 60
    maximum_retry_attempts       = 185
  }

  dead_letter_config {
    arn = aws_sqs_queue.not_called.arn
  }
}

resource "aws_iam_role" "webhook" {
  name = "sms-webhook"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { ArnEquals = { "aws:SourceArn" = aws_cloudwatch_event_rule.ended.arn } }
    }]
  })
}

resource "aws_iam_role_policy" "webhook" {
  name = "call"
  role = aws_iam_role.webhook.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["events:InvokeApiDestination"]
      Resource = aws_cloudwatch_event_api_destination.webhook.arn
    }]
  })
}

resource "aws_sqs_queue" "not_called" {
  name                      = "sms-webhook-not-called"
  message_retention_seconds = 14 * 24 * 60 * 60
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue_policy" "not_called" {
  queue_url = aws_sqs_queue.not_called.url
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.not_called.arn
      Condition = { ArnEquals = { "aws:SourceArn" = aws_cloudwatch_event_rule.ended.arn } }
    }]
  })
}
