output "name" {
  description = "Name of the function."
  value       = aws_lambda_function.this.function_name
}

output "alias_arn" {
  description = "ARN of the alias by which triggers call the function."
  value       = aws_lambda_alias.live.arn
}

output "alias_name" {
  description = "Name of the alias by which triggers call the function, for permissions."
  value       = aws_lambda_alias.live.name
}

output "alias_invoke_arn" {
  description = "ARN with which API Gateway calls the alias."
  value       = aws_lambda_alias.live.invoke_arn
}

output "reserved_concurrency" {
  description = "Reserved concurrency of the function or, without a reservation, -1; for tests."
  value       = aws_lambda_function.this.reserved_concurrent_executions
}

output "policy" {
  description = "IAM policy of the function's role, for tests."
  value       = aws_iam_role_policy.this.policy
}

output "log_group_name" {
  description = "Log group of the function."
  value       = aws_cloudwatch_log_group.this.name
}

output "environment" {
  description = "Environment variables of the function, for tests."
  value       = one(aws_lambda_function.this.environment).variables
}

output "tracing_mode" {
  description = "How X-Ray traces calls, for tests."
  value       = one(aws_lambda_function.this.tracing_config).mode
}

output "invoke_config" {
  description = "How Lambda repeats asynchronous calls, or null if there are none; for tests."
  value = one([for c in aws_lambda_function_event_invoke_config.this : {
    qualifier           = c.qualifier
    retries             = c.maximum_retry_attempts
    maximum_age_seconds = c.maximum_event_age_in_seconds
  }])
}

output "on_failure" {
  description = "ARNs of the queues for asynchronous calls that failed permanently, for tests."
  value       = flatten([for c in aws_lambda_function_event_invoke_config.this : c.destination_config[*].on_failure[*].destination])
}
