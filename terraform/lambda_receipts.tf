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
    local.keep_clients,
    local.use_key,
  ]
}
