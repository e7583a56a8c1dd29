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

output "table_arn" {
  description = "ARN of the DynamoDB table with the messages."
  value       = aws_dynamodb_table.messages.arn
}

output "kms_key_arn" {
  description = "ARN of the key that encrypts the table, the queues and the logs."
  value       = local.kms_key
}

output "relay" {
  description = "Name of the relay's function, and ARN of the alias that operators call to pause and resume sending."
  value       = { function_name = module.relay.name, alias_arn = module.relay.alias_arn }
}

output "user_pool" {
  description = "Id and ARN of the Cognito user pool with the clients."
  value       = { id = aws_cognito_user_pool.this.id, arn = aws_cognito_user_pool.this.arn }
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
  description = "Names of the log groups: those of the functions and, if the API has an access log, that of the gateway."
  value       = merge({ for group in aws_cloudwatch_log_group.gateway : "gateway" => group.name }, { for s in local.services : s => "/aws/lambda/${var.name}-${s}" })
}

output "alarm_arns" {
  description = "ARNs of the alarms, by name without the deployment's prefix."
  value       = { for name, alarm in aws_cloudwatch_metric_alarm.this : name => alarm.arn }
}

output "dashboard_name" {
  description = "Name of the CloudWatch dashboard, or null if there is none."
  value       = one(aws_cloudwatch_dashboard.this[*].dashboard_name)
}

output "event_bus" {
  description = "Name and ARN of the event bus, or null if events is false."
  value       = var.events ? { name = aws_cloudwatch_event_bus.events[0].name, arn = aws_cloudwatch_event_bus.events[0].arn } : null
}

output "account_wide" {
  description = "Settings of the account that this deployment writes, by AWS's name. They hold for every application in the account and Region, and `make destroy` leaves them."
  value       = module.account_wide.written
}

output "hints" {
  description = "What this deployment lacks, and which variable adds it."
  value = concat(
    var.manage_api_gateway_log_role == null ? ["The API has no access log. `aws apigateway get-account` shows whether this account has a cloudwatchRoleArn in this Region. If so, set manage_api_gateway_log_role to false; if not, to true."] : [],
    local.receipts ? [] : ["Nothing reads SNS's delivery logs, so no message becomes delivered. Set delivery_logs of sms_preferences to true; or receipts to true if something else makes SNS log every delivery."],
    var.sms_preferences.monthly_spend_limit_usd == null ? ["No alarm watches the spend limit for SMS, because it is not known here. Name it as monthly_spend_limit_usd of sms_preferences."] : [],
  )
}
