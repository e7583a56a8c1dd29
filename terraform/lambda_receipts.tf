# services/receipts: applies the provider's receipts.

locals {
  receipts = coalesce(var.receipts, local.provider.receipts)
}

module "receipts" {
  source = "./modules/function"
  count  = local.receipts ? 1 : 0

  name            = "${var.name}-receipts"
  role            = local.role
  description     = "Applies the provider's receipts"
  package         = local.packages["receipts"]
  architecture    = var.architecture
  timeout_seconds = 60
  logs            = local.logs
  tracing         = var.monitoring.tracing

  asynchronous = {
    retries             = 2
    maximum_age_seconds = 6 * 60 * 60
    dead_letter_arn     = aws_sqs_queue.failed_events.arn
  }

  environment = merge(local.rules, local.provider.environment, { TABLE_NAME = aws_dynamodb_table.messages.name })

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
    local.keep_clients,
    local.use_key.records,
    local.use_key.keeping_failures,
  ]
}

resource "aws_lambda_permission" "delivery_logs" {
  for_each = local.receipts ? local.provider.receipt_logs : {}

  statement_id   = "delivery-logs-${each.key}"
  action         = "lambda:InvokeFunction"
  function_name  = module.receipts[0].name
  qualifier      = module.receipts[0].alias_name
  principal      = "logs.amazonaws.com"
  source_account = local.account
  source_arn     = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:${each.value}:*"
}

# A log group accepts two subscriptions, so two deployments in an account can both
# have receipts. A receipt about the other deployment's message matches no message.
resource "aws_cloudwatch_log_subscription_filter" "delivery_logs" {
  for_each = local.receipts ? local.provider.receipt_logs : {}

  name            = var.name
  log_group_name  = each.value
  filter_pattern  = "" # everything
  destination_arn = module.receipts[0].alias_arn

  # The log groups are created in the module account_wide, or existed before.
  depends_on = [module.account_wide, aws_lambda_permission.delivery_logs]
}
