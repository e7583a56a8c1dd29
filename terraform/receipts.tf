# services/receipts: reads SNS's delivery logs.

locals {
  receipts = var.receipts == null ? var.sms_preferences != null : var.receipts
}

module "receipts" {
  source = "./modules/function"
  count  = local.receipts ? 1 : 0

  name            = "${var.name}-receipts"
  description     = "Applies SNS's delivery receipts"
  package         = local.packages["receipts"]
  architecture    = var.architecture
  timeout_seconds = 60
  logs            = local.logs

  asynchronous = {
    retries         = 2
    dead_letter_arn = aws_sqs_queue.failed_events.arn
  }

  environment = merge(local.rules, { TABLE_NAME = aws_dynamodb_table.messages.name })

  statements = [
    {
      Sid      = "FindMessage"
      Effect   = "Allow"
      Action   = ["dynamodb:Query"]
      Resource = "${aws_dynamodb_table.messages.arn}/index/provider"
    },
    {
      Sid      = "Apply"
      Effect   = "Allow"
      Action   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
      Resource = aws_dynamodb_table.messages.arn
    },
    local.use_key,
  ]
}

resource "aws_lambda_permission" "delivery_logs" {
  for_each = local.receipts ? local.sns_log_groups : {}

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
  for_each = local.receipts ? local.sns_log_groups : {}

  name            = var.name
  log_group_name  = each.value
  filter_pattern  = "" # everything
  destination_arn = module.receipts[0].alias_arn

  # The groups are created by sns.tf, or existed before.
  depends_on = [aws_cloudwatch_log_group.sns, aws_lambda_permission.delivery_logs]
}

# Counts log messages about receipts. If the log level is above INFO, receipts of
# other applications are not counted.
resource "aws_cloudwatch_log_metric_filter" "receipts" {
  for_each = local.receipts ? {
    UnreadableReceipts = { group = module.receipts[0].log_group_name, pattern = "{ $.message = \"receipt not readable\" }" }
    ForeignReceipts    = { group = module.relay.log_group_name, pattern = "{ $.message = \"kept receipt settled\" && $.result = \"foreign\" }" }
  } : {}

  name           = each.key
  log_group_name = each.value.group
  pattern        = each.value.pattern

  metric_transformation {
    namespace = var.name
    name      = each.key
    value     = "1"
  }
}
