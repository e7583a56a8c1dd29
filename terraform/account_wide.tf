# Settings that an account has once in each Region, for all of its applications.

module "account_wide" {
  source = "./modules/account_wide"

  name                    = var.name
  delivery_logs           = var.sms_preferences.delivery_logs
  monthly_spend_limit_usd = var.sms_preferences.monthly_spend_limit_usd
  default_sender_id       = var.sms_preferences.default_sender_id
  api_gateway_log_role    = coalesce(var.manage_api_gateway_log_role, false)
  log_groups              = local.sns.receipt_logs
  retention_days          = var.logs.retention_days
  kms_key_arn             = var.kms_key_arn
  permissions_boundary    = var.permissions_boundary
}
