# services/relay: runs every minute and enqueues what is due. Operators also call
# it, to pause and resume sending.

module "relay" {
  source = "./modules/function"

  name            = "${var.name}-relay"
  role            = local.role
  description     = "Enqueues and ends messages that are due"
  package         = local.packages["relay"]
  architecture    = var.architecture
  timeout_seconds = 55 # ends before the next run
  logs            = local.logs
  tracing         = var.monitoring.tracing

  # After a run that failed or was throttled, the next run does its work. Without a maximum
  # age, Lambda would keep throttled runs for 6 hours and then start them all.
  asynchronous = {
    retries             = 0
    maximum_age_seconds = 60
  }

  environment = merge(local.rules, {
    TABLE_NAME = aws_dynamodb_table.messages.name
    QUEUE_URL  = aws_sqs_queue.messages.url
  })

  statements = [
    {
      Sid      = "FindWhatIsDue"
      Effect   = "Allow"
      Action   = ["dynamodb:Query"]
      Resource = [for index in ["provider", "due", "unmatched"] : "${aws_dynamodb_table.messages.arn}/index/${index}"]
    },
    {
      Sid      = "Move"
      Effect   = "Allow"
      Action   = ["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
      Resource = aws_dynamodb_table.messages.arn
    },
    {
      Sid      = "Enqueue"
      Effect   = "Allow"
      Action   = ["sqs:GetQueueAttributes", "sqs:SendMessage"]
      Resource = aws_sqs_queue.messages.arn
    },
    local.keep_clients,
    local.use_key.records,
    local.use_key.sending,
  ]
}
