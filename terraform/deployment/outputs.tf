# The outputs of the module, which describes them.

output "api_url" {
  description = "See the module."
  value       = module.smsqueue.api_url
}

output "token_url" {
  description = "See the module."
  value       = module.smsqueue.token_url
}

output "client_ids" {
  description = "See the module."
  value       = module.smsqueue.client_ids
}

output "client_secrets" {
  description = "See the module."
  value       = module.smsqueue.client_secrets
  sensitive   = true
}

output "rest_api_id" {
  description = "See the module."
  value       = module.smsqueue.rest_api_id
}

output "stage_name" {
  description = "See the module."
  value       = module.smsqueue.stage_name
}

output "table_name" {
  description = "See the module."
  value       = module.smsqueue.table_name
}

output "table_arn" {
  description = "See the module."
  value       = module.smsqueue.table_arn
}

output "kms_key_arn" {
  description = "See the module."
  value       = module.smsqueue.kms_key_arn
}

output "relay" {
  description = "See the module."
  value       = module.smsqueue.relay
}

output "user_pool" {
  description = "See the module."
  value       = module.smsqueue.user_pool
}

output "queue_urls" {
  description = "See the module."
  value       = module.smsqueue.queue_urls
}

output "log_groups" {
  description = "See the module."
  value       = module.smsqueue.log_groups
}

output "alarm_arns" {
  description = "See the module."
  value       = module.smsqueue.alarm_arns
}

output "dashboard_name" {
  description = "See the module."
  value       = module.smsqueue.dashboard_name
}

output "event_bus" {
  description = "See the module."
  value       = module.smsqueue.event_bus
}

output "account_wide" {
  description = "See the module."
  value       = module.smsqueue.account_wide
}

output "hints" {
  description = "See the module."
  value       = module.smsqueue.hints
}
