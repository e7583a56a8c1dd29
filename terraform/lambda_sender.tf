# services/sender: hands the messages on the queue over to the provider.

locals {
  provider = local.sns # takes the messages and reports their receipts

  # The messages that senders hold at the same time wait for their turn at the gate. All of
  # these messages must get their turn before their sender times out, even if each has four
  # parts. If senders held more messages, these would not go out faster, because all senders
  # share the pace. So further messages wait on the queue.
  paced       = var.sender.parts_per_second > 0
  held        = var.sender.parts_per_second * (var.sender.timeout_seconds - 10) / 4 # a hand-over takes up to 10 seconds after the gate
  concurrency = local.paced ? max(2, min(var.sender.concurrency, floor(local.held / 10))) : var.sender.concurrency
  batch_size  = local.paced ? max(1, min(10, floor(local.held / local.concurrency))) : 10
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

  environment = merge(local.rules, local.provider.environment, {
    TABLE_NAME       = aws_dynamodb_table.messages.name
    PARTS_PER_SECOND = var.sender.parts_per_second
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
    local.use_key.records,
    local.use_key.receiving,
  ])
}

resource "aws_lambda_event_source_mapping" "messages" {
  event_source_arn        = aws_sqs_queue.messages.arn
  function_name           = module.sender.alias_arn
  batch_size              = local.batch_size
  function_response_types = ["ReportBatchItemFailures"]

  # Do not use the function's reserved concurrency instead of maximum_concurrency. It would
  # throttle polls. Each throttled poll counts as a receive, so good messages would end in
  # the dead-letter queue.
  scaling_config {
    maximum_concurrency = local.concurrency
  }
}
