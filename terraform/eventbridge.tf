# Status changes as events: a pipe from the table's stream to an event bus.
#
# An event says which message to look up. It has no text, number or reference.
# A test checks this file against the attributes that the code writes.

locals {
  event_source      = "smsqueue"
  event_detail_type = "SMS Status Changed"

  # Every status. A pattern cannot compare two fields, so there is one pattern for
  # each status x: new is x, and old is not x.
  statuses = [
    "scheduled", "queued", "sending", "sent", "unknown", "delivered", "undelivered", "failed", "expired", "canceled",
  ]

  # A change passes if it matches one of these patterns. Only messages have a status: the
  # patterns skip the breaker, the counters and pending receipts. They also skip deletions
  # by TTL, which have no new image. Of all fields of a change, a pipe can filter only by
  # the field dynamodb.
  status_changes = [
    # A new message has no old image.
    {
      NewImage = { status = { S = [{ exists = true }] } }
      OldImage = { status = { S = [{ exists = false }] } }
    },
    {
      "$or" = [for status in local.statuses : {
        NewImage = { status = { S = [status] } }
        OldImage = { status = { S = [{ "anything-but" = [status] }] } }
      }]
    },
  ]
}

# A bus of its own keeps its rules and permissions separate. Its events are not
# private, so AWS's own key is enough.
resource "aws_cloudwatch_event_bus" "events" {
  count = var.events ? 1 : 0

  name = var.name

  lifecycle {
    precondition {
      condition     = local.partition == "aws"
      error_message = "Set events to false: there are no EventBridge Pipes in ${local.partition}."
    }
  }
}

resource "aws_pipes_pipe" "events" {
  count = var.events ? 1 : 0

  name        = local.pipe
  description = "Status changes as events"
  role_arn    = aws_iam_role.pipe[0].arn
  source      = aws_dynamodb_table.messages.stream_arn
  target      = aws_cloudwatch_event_bus.events[0].arn

  source_parameters {
    filter_criteria {
      dynamic "filter" {
        for_each = local.status_changes
        content {
          pattern = jsonencode({ dynamodb = filter.value })
        }
      }
    }

    dynamodb_stream_parameters {
      starting_position = "LATEST"
      batch_size        = 10 # the most that PutEvents accepts

      # Batches in parallel for each shard. Changes of one message keep their order.
      parallelization_factor = 10

      # A change that the bus does not accept blocks those behind it in its
      # shard, but at most for this long. The stream keeps changes for 24
      # hours.
      maximum_record_age_in_seconds = 6 * 60 * 60
      maximum_retry_attempts        = -1 # unlimited within that time
      on_partial_batch_item_failure = "AUTOMATIC_BISECT"

      # Receives positions in the stream, not the changes themselves.
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

    # Not jsonencode, which escapes < and >.
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

  name                 = "${local.pipe}${local.role.suffix}"
  permissions_boundary = local.role.permissions_boundary
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
      local.use_key.records, # the stream is encrypted as the table is
      local.use_key.keeping_failures,
    ]
  })
}
