# services/receipts: applies the provider's receipts.

locals {
  receipts = var.receipts == null ? var.sms_preferences != null : var.receipts
}

module "receipts" {
  source = "./modules/function"
  count  = local.receipts ? 1 : 0

  name            = "${var.name}-receipts"
  description     = "Applies the provider's receipts"
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

# Counts log messages about receipts. If the log level is above INFO, receipts of
# other applications are not counted.
resource "aws_cloudwatch_log_metric_filter" "receipts" {
  for_each = local.receipts ? {
    UnreadableReceipts = { group = module.receipts[0].log_group_name, pattern = "{ $.message = \"receipt not readable\" }" }
    ForeignReceipts    = { group = module.relay.log_group_name, pattern = "{ $.message = \"pending receipt matches no message\" }" }
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
