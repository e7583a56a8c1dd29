output "api_url" {
  description = "Base URL of the API. Append a path such as /sms."
  value       = aws_api_gateway_stage.v1.invoke_url
}

output "token_url" {
  description = "URL of the token endpoint."
  value       = "https://${aws_cognito_user_pool_domain.this.domain}.${local.partition == "aws-us-gov" ? "auth-fips" : "auth"}.${local.region}.amazoncognito.com/oauth2/token"
}

output "client_ids" {
  description = "Client ids, by client name."
  value       = { for name, client in aws_cognito_user_pool_client.this : name => client.id }
}

output "client_secrets" {
  description = "Client secrets, by client name."
  value       = { for name, client in aws_cognito_user_pool_client.this : name => client.client_secret }
  sensitive   = true
}

output "rest_api_id" {
  description = "Id of the REST API, for example for a custom domain."
  value       = aws_api_gateway_rest_api.this.id
}

output "stage_name" {
  description = "Name of the REST API's stage, for example for a custom domain."
  value       = aws_api_gateway_stage.v1.stage_name
}

output "table_name" {
  description = "Name of the DynamoDB table with the messages."
  value       = aws_dynamodb_table.messages.name
}

output "queue_urls" {
  description = "URLs of the message queue, of its dead-letter queue, and of the queue for function calls and status changes that failed permanently."
  value = {
    messages      = aws_sqs_queue.messages.url
    dead_letters  = aws_sqs_queue.dead_letters.url
    failed_events = aws_sqs_queue.failed_events.url
  }
}

output "log_groups" {
  description = "Names of the log groups of the gateway and the functions."
  value       = merge({ gateway = aws_cloudwatch_log_group.gateway.name }, { for s in local.services : s => "/aws/lambda/${var.name}-${s}" })
}

output "dashboard_name" {
  description = "Name of the CloudWatch dashboard, or null if there is none."
  value       = one(aws_cloudwatch_dashboard.this[*].dashboard_name)
}

output "event_bus" {
  description = "Name and ARN of the event bus, or null if events is false."
  value       = var.events ? { name = aws_cloudwatch_event_bus.events[0].name, arn = aws_cloudwatch_event_bus.events[0].arn } : null
}
