# services/relay: runs every minute and enqueues what is due. Operators also call
# it, to pause and resume sending.

module "relay" {
  source = "./modules/function"

  name            = "${var.name}-relay"
  description     = "Enqueues and ends messages that are due"
  package         = local.packages["relay"]
  architecture    = var.architecture
  timeout_seconds = 55 # ends before the next run
  logs            = local.logs

  asynchronous = {
    retries         = 0 # the next run is the retry
    dead_letter_arn = aws_sqs_queue.failed_events.arn
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
    local.use_key,
  ]
}

resource "aws_scheduler_schedule_group" "this" {
  name = var.name
}

resource "aws_scheduler_schedule" "relay" {
  # checkov:skip=CKV_AWS_297: the schedule has no input to encrypt
  name                = "${var.name}-relay"
  description         = "Runs the relay every minute"
  group_name          = aws_scheduler_schedule_group.this.name
  schedule_expression = "rate(1 minute)"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = module.relay.alias_arn
    role_arn = aws_iam_role.schedule.arn

    # By default, Scheduler repeats a failed call 185 times in a day.
    retry_policy {
      maximum_retry_attempts       = 0
      maximum_event_age_in_seconds = 60
    }
  }

  depends_on = [aws_iam_role_policy.schedule]
}

resource "aws_iam_role" "schedule" {
  name = "${var.name}-schedule"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "scheduler.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = {
          "aws:SourceAccount" = local.account
          "aws:SourceArn"     = aws_scheduler_schedule_group.this.arn
        }
      }
    }]
  })
}

resource "aws_iam_role_policy" "schedule" {
  name = "schedule"
  role = aws_iam_role.schedule.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "RunRelay"
      Effect   = "Allow"
      Action   = ["lambda:InvokeFunction"]
      Resource = module.relay.alias_arn
    }]
  })
}
