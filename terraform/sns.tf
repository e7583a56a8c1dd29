# Everything specific to SNS: permissions of the sender, and delivery logs. The
# account's settings for SMS are in modules/account_wide.

locals {
  sns_log = "sns/${local.region}/${local.account}/DirectPublishToPhoneNumber"

  # What the other files need to know about a provider. lambda_sender.tf chooses one.
  sns = {
    receipts = var.sms_preferences.delivery_logs # whether to read them if var.receipts is null
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

  # The groups are created there, or existed before.
  depends_on = [module.account_wide, aws_lambda_permission.delivery_logs]
}
