# SNS's settings for SMS and its delivery logs. An account has one set of them
# in each Region.

locals {
  sns_log = "sns/${local.region}/${local.account}/DirectPublishToPhoneNumber"
  sns_log_groups = {
    success = local.sns_log
    failure = "${local.sns_log}/Failure"
  }
}

resource "aws_sns_sms_preferences" "this" {
  count = var.sms_preferences == null ? 0 : 1

  monthly_spend_limit                   = var.sms_preferences.monthly_spend_limit_usd
  default_sender_id                     = var.sms_preferences.default_sender_id
  default_sms_type                      = "Transactional" # every message sets its own type
  delivery_status_iam_role_arn          = aws_iam_role.sns_log[0].arn
  delivery_status_success_sampling_rate = "100"

  depends_on = [aws_iam_role_policy.sns_log]
}

# If these groups do not exist, SNS creates them on first use, unencrypted and
# without expiry, with whole phone numbers in them. If SNS has already done so,
# apply fails because they exist; the README says how to import them.
resource "aws_cloudwatch_log_group" "sns" {
  for_each = var.sms_preferences == null ? {} : local.sns_log_groups

  name              = each.value
  retention_in_days = var.logs.retention_days
  kms_key_id        = local.kms_key
}

resource "aws_iam_role" "sns_log" {
  count = var.sms_preferences == null ? 0 : 1

  name = "${var.name}-sns-log"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "sns.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_iam_role_policy" "sns_log" {
  count = var.sms_preferences == null ? 0 : 1

  name = "log"
  role = aws_iam_role.sns_log[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "WriteDeliveryLogs"
      Effect   = "Allow"
      Action   = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:PutMetricFilter", "logs:PutRetentionPolicy"]
      Resource = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:${local.sns_log}*"
    }]
  })
}
