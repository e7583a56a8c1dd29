output "api_url" {
  description = "Where the API is: append /sms."
  value       = aws_api_gateway_stage.v1.invoke_url
}

output "token_url" {
  description = "Where clients get their access tokens."
  value       = "https://${aws_cognito_user_pool_domain.this.domain}.auth.${local.region}.amazoncognito.com/oauth2/token"
}

output "client_ids" {
  description = "Ids of the clients, by name."
  value       = { for name, client in aws_cognito_user_pool_client.this : name => client.id }
}

output "client_secrets" {
  description = "Secrets of the clients, by name."
  value       = { for name, client in aws_cognito_user_pool_client.this : name => client.client_secret }
  sensitive   = true
}

output "rest_api_id" {
  description = "Id of the REST API, for a custom domain."
  value       = aws_api_gateway_rest_api.this.id
}

output "table_name" {
  description = "Table of the records."
  value       = aws_dynamodb_table.messages.name
}

output "queue_urls" {
  description = "The queue, its dead-letter queue, and the queue of calls and changes that failed for good."
  value = {
    messages      = aws_sqs_queue.messages.url
    dead_letters  = aws_sqs_queue.dead_letters.url
    failed_events = aws_sqs_queue.failed_events.url
  }
}

output "log_groups" {
  description = "Where the gateway and the functions log."
  value = merge(
    { gateway = aws_cloudwatch_log_group.gateway.name, api = module.api.log_group_name, sender = module.sender.log_group_name, relay = module.relay.log_group_name },
    local.receipts ? { receipts = module.receipts[0].log_group_name } : {},
  )
}

output "dashboard_name" {
  description = "CloudWatch dashboard."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}

output "event_bus" {
  description = "Bus of the events, for rules: its name and ARN; null where there is none."
  value       = var.events ? { name = aws_cloudwatch_event_bus.events[0].name, arn = aws_cloudwatch_event_bus.events[0].arn } : null
}
