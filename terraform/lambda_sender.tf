# services/sender: hands the messages on the queue over to the provider.

locals {
  provider = local.sns # takes the messages and reports their receipts
}

module "sender" {
  source = "./modules/function"

  name            = "${var.name}-sender"
  role            = local.role
  description     = "Hands messages over to the provider"
  package         = local.packages["sender"]
  architecture    = var.architecture
  timeout_seconds = var.sender.timeout_seconds
  logs            = local.logs
  tracing         = var.monitoring.tracing

  environment = merge(local.rules, {
    TABLE_NAME       = aws_dynamodb_table.messages.name
    PARTS_PER_SECOND = var.sender.parts_per_second / var.sender.concurrency # the share of each sender
    MAX_RECEIVES     = local.max_receives
  })

  statements = concat(local.provider.statements, [
    {
      Sid      = "ClaimAndRecord"
      Effect   = "Allow"
      Action   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
      Resource = aws_dynamodb_table.messages.arn
    },
    {
      Sid      = "Receive"
      Effect   = "Allow"
      Action   = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
      Resource = aws_sqs_queue.messages.arn
    },
    local.keep_clients,
    local.use_key,
  ])
}

resource "aws_lambda_event_source_mapping" "messages" {
  event_source_arn        = aws_sqs_queue.messages.arn
  function_name           = module.sender.alias_arn
  batch_size              = 10
  function_response_types = ["ReportBatchItemFailures"]

  # Do not use the function's reserved concurrency instead: throttled polls count
  # as receives, and would bring good messages to the dead-letter queue.
  scaling_config {
    maximum_concurrency = var.sender.concurrency
  }
}
