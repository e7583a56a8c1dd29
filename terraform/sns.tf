# Everything specific to SNS: permissions of the sender, settings, and delivery
# logs. An account has one set of SMS settings in each Region.

locals {
  sns_log = "sns/${local.region}/${local.account}/DirectPublishToPhoneNumber"

  # What the other files need to know about a provider. lambda_sender.tf chooses one.
  sns = {
    receipts = var.sms_preferences != null # whether to read them if var.receipts is null
    receipt_logs = {
      success = local.sns_log
      failure = "${local.sns_log}/Failure"
    }
    statements = [ # what the sender may do
      # IAM treats the phone number as the resource, so allow all and deny topics.
      {
        Sid      = "PublishToPhones"
        Effect   = "Allow"
        Action   = ["sns:Publish"]
        Resource = "*"
      },
      {
        Sid      = "NotToTopics"
        Effect   = "Deny"
        Action   = ["sns:Publish"]
        Resource = "arn:${local.partition}:sns:*:*:*"
      },
      # SNS sends SMS on behalf of its caller. AWS's managed policy for SNS has had
      # this statement since 2024.
      {
        Sid       = "PublishThroughSNS"
        Effect    = "Allow"
        Action    = ["sms-voice:SendTextMessage"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:CalledViaLast" = "sns.amazonaws.com" } }
      },
    ]
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
  for_each = var.sms_preferences == null ? {} : local.sns.receipt_logs

  name              = each.value
  retention_in_days = var.logs.retention_days
  kms_key_id        = local.kms_key
}

resource "aws_iam_role" "sns_log" {
  count = var.sms_preferences == null ? 0 : 1

  name = "${var.name}-sns-log-${local.region}"
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

resource "aws_lambda_permission" "delivery_logs" {
  for_each = local.receipts ? local.sns.receipt_logs : {}

  statement_id  = "delivery-logs-${each.key}"
  action        = "lambda:InvokeFunction"
  function_name = module.receipts[0].name
  qualifier     = module.receipts[0].alias_name
  principal     = "logs.amazonaws.com"
  source_arn    = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:${each.value}:*"
}

# A log group accepts two subscriptions, so two deployments in an account can both
# have receipts. Each ignores the receipts of the other.
resource "aws_cloudwatch_log_subscription_filter" "delivery_logs" {
  for_each = local.receipts ? local.sns.receipt_logs : {}

  name            = var.name
  log_group_name  = each.value
  filter_pattern  = "" # everything
  destination_arn = module.receipts[0].alias_arn

  # The groups are created above, or existed before.
  depends_on = [aws_cloudwatch_log_group.sns, aws_lambda_permission.delivery_logs]
}
