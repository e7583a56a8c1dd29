module "smsqueue" {
  source = "../"

  alarm_actions               = var.alarm_actions
  allowed_countries           = var.allowed_countries
  api                         = var.api
  architecture                = var.architecture
  clients                     = var.clients
  concurrent_executions       = var.concurrent_executions
  default_country             = var.default_country
  deletion_protection         = var.deletion_protection
  events                      = var.events
  kms_key_arn                 = var.kms_key_arn
  limits                      = var.limits
  logs                        = var.logs
  manage_api_gateway_log_role = var.manage_api_gateway_log_role
  messages                    = var.messages
  monitoring                  = var.monitoring
  name                        = var.name
  number_types                = var.number_types
  package_digests             = var.package_digests
  packages                    = var.packages
  permissions_boundary        = var.permissions_boundary
  receipts                    = var.receipts
  sender                      = var.sender
  sms_preferences             = var.sms_preferences
  strict_numbers              = var.strict_numbers
}

import {
  for_each = { for group in var.existing_log_groups : (endswith(group, "/Failure") ? "failure" : "success") => group }
  to       = module.smsqueue.module.account_wide.aws_cloudwatch_log_group.sns[each.key]
  id       = each.value
}
