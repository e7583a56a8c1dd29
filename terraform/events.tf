# Changes of status as events: a pipe from the table's stream to a bus.
#
# An event is a hint, as the queue's messages are: it says which message to look
# up, and no text, number or reference of it. What it needs to be read is in the
# items, which a test holds this file against.

locals {
  event_source      = "smsqueue"
  event_detail_type = "SMS Status Changed"

  # All states of a message. A pattern cannot compare two fields, but there are
  # only so many: new is x and old is not x, for each of them.
  statuses = [
    "scheduled", "queued", "sending", "sent", "unknown", "delivered", "undelivered", "failed", "expired", "canceled",
  ]

  # A change passes that matches one of these. Only messages have a status; the
  # breaker, counters and kept receipts have none, nor has what TTL removes.
  status_changes = [
    {
      eventName = ["INSERT"]
      dynamodb  = { NewImage = { status = { S = [{ exists = true }] } } }
    },
    {
      eventName = ["MODIFY"]
      "$or" = [for status in local.statuses : {
        dynamodb = {
          NewImage = { status = { S = [status] } }
          OldImage = { status = { S = [{ "anything-but" = [status] }] } }
        }
      }]
    },
  ]
}

# Its own bus, so that its rules and who may write them are apart from others'.
# What is on it is not private: AWS's own key will do.
resource "aws_cloudwatch_event_bus" "events" {
  count = var.events ? 1 : 0

  name = var.name
}

resource "aws_pipes_pipe" "events" {
  count = var.events ? 1 : 0

  name        = local.pipe
  description = "Changes of status, as events"
  role_arn    = aws_iam_role.pipe[0].arn
  source      = aws_dynamodb_table.messages.stream_arn
  target      = aws_cloudwatch_event_bus.events[0].arn

  source_parameters {
    filter_criteria {
      dynamic "filter" {
        for_each = local.status_changes
        content {
          pattern = jsonencode(filter.value)
        }
      }
    }

    dynamodb_stream_parameters {
      starting_position = "LATEST"
      batch_size        = 10 # what a bus takes at once

      # Side by side in each shard, and still one after the other for a message.
      parallelization_factor = 10

      # A change that cannot be put holds up those behind it in its shard, for
      # no longer than this; the stream keeps them for 24 hours.
      maximum_record_age_in_seconds = 6 * 60 * 60
      maximum_retry_attempts        = -1 # as many as fit into that
      on_partial_batch_item_failure = "AUTOMATIC_BISECT"

      # Gets positions in the stream, not the changes themselves.
      dead_letter_config {
        arn = aws_sqs_queue.failed_events.arn
      }
    }
  }

  target_parameters {
    eventbridge_event_bus_parameters {
      source      = local.event_source
      detail_type = local.event_detail_type
    }

    # Not jsonencode, which would write < and > otherwise.
    input_template = <<-JSON
      {
        "id": "<$.dynamodb.NewImage.id.S>",
        "owner": "<$.dynamodb.NewImage.owner.S>",
        "status": "<$.dynamodb.NewImage.status.S>",
        "updatedAtMillis": "<$.dynamodb.NewImage.updatedAt.N>",
        "sequence": "<$.dynamodb.SequenceNumber>"
      }
    JSON
  }

  depends_on = [aws_iam_role_policy.pipe]
}

locals {
  pipe = "${var.name}-events"
}

resource "aws_iam_role" "pipe" {
  count = var.events ? 1 : 0

  name = local.pipe
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "pipes.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = {
          "aws:SourceAccount" = local.account
          "aws:SourceArn"     = "arn:${local.partition}:pipes:${local.region}:${local.account}:pipe/${local.pipe}"
        }
      }
    }]
  })
}

resource "aws_iam_role_policy" "pipe" {
  count = var.events ? 1 : 0

  name = "pipe"
  role = aws_iam_role.pipe[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ReadChanges"
        Effect   = "Allow"
        Action   = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"]
        Resource = aws_dynamodb_table.messages.stream_arn
      },
      {
        Sid      = "PutEvents"
        Effect   = "Allow"
        Action   = ["events:PutEvents"]
        Resource = aws_cloudwatch_event_bus.events[0].arn
      },
      {
        Sid      = "KeepFailedEvents"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = aws_sqs_queue.failed_events.arn
      },
      # The stream is encrypted as the table is, and so is the queue.
      {
        Sid      = "UseKey"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = local.kms_key
        Condition = {
          StringEquals = { "kms:ViaService" = [for s in ["dynamodb", "sqs"] : "${s}.${local.region}.amazonaws.com"] }
        }
      },
    ]
  })
}
