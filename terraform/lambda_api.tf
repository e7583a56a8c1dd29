# services/api: accepts messages and shows what became of them.

module "api" {
  source = "./modules/function"

  name            = "${var.name}-api"
  role            = local.role
  description     = "Accepts messages and looks them up"
  package         = local.packages["api"]
  architecture    = var.architecture
  memory_mb       = 512
  timeout_seconds = 12 + var.api.longest_wait_seconds # longer than the gateway waits; the API's own deadlines add up to less than 10 s
  logs            = local.logs
  tracing         = var.monitoring.tracing

  # With this ceiling, look-ups that wait never occupy the functions that the senders and
  # the relay need.
  reserved_concurrency = var.api.reserved_concurrency

  environment = merge(local.rules, {
    TABLE_NAME        = aws_dynamodb_table.messages.name
    QUEUE_URL         = aws_sqs_queue.messages.url
    ALLOWED_COUNTRIES = join(",", var.allowed_countries)
    DEFAULT_COUNTRY   = var.default_country == null ? "" : var.default_country
    NUMBER_TYPES      = var.number_types == null ? "" : join(",", var.number_types)
    STRICT_NUMBERS    = var.strict_numbers

    PARTS_PER_DAY               = var.limits.parts_per_day
    MESSAGES_PER_RECIPIENT_HOUR = var.limits.messages_per_recipient_hour
    MAX_WAIT_SECONDS            = var.api.longest_wait_seconds
    ALLOWED_ORIGIN              = var.api.allowed_origin == null ? "" : var.api.allowed_origin
  })

  statements = [
    {
      Sid      = "AcceptAndLookUp"
      Effect   = "Allow"
      Action   = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
      Resource = aws_dynamodb_table.messages.arn
    },
    {
      Sid      = "ListAndSeeWhatWaits"
      Effect   = "Allow"
      Action   = ["dynamodb:Query"]
      Resource = [for index in ["due", "list"] : "${aws_dynamodb_table.messages.arn}/index/${index}"]
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

  # Deploys the functions that read records before the API, which creates records. The API
  # also needs the items with its clients.
  depends_on = [module.receipts, module.relay, module.sender, aws_dynamodb_table_item.clients]
}

resource "aws_lambda_permission" "gateway" {
  statement_id  = "gateway"
  action        = "lambda:InvokeFunction"
  function_name = module.api.name
  qualifier     = module.api.alias_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.this.execution_arn}/*"
}
