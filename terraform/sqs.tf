# Three queues: messages; its dead-letter queue, for unreadable entries only; and
# failed events, for function calls and status changes that failed permanently. A failed
# call of receipts contains lines of SNS's delivery log, with whole numbers.

locals {
  max_receives = 5 # AWS recommends at least 5 for a queue that triggers a function

  # Built from the names, not from the queues, so that a queue's policy can be set
  # when the queue is created.
  queue_arns = {
    for queue in ["messages", "dead-letters", "failed-events"] :
    queue => "arn:${local.partition}:sqs:${local.region}:${local.account}:${var.name}-${queue}"
  }

  # Refuses unencrypted connections.
  queue_policies = {
    for queue, arn in local.queue_arns : queue => jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Sid       = "RefusePlainText"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }]
    })
  }
}

resource "aws_sqs_queue" "messages" {
  name = "${var.name}-messages"
  # AWS recommends 6 times the function's timeout. If a sender died, its envelope must not
  # come back before the relay had time to end the lease and to match a pending receipt.
  visibility_timeout_seconds        = max(6 * var.sender.timeout_seconds, var.sender.timeout_seconds + 180)
  message_retention_seconds         = 4 * 24 * 60 * 60
  receive_wait_time_seconds         = 20
  kms_master_key_id                 = local.kms_key
  kms_data_key_reuse_period_seconds = 60 * 60
  policy                            = local.queue_policies["messages"]

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = local.max_receives
  })
}

resource "aws_sqs_queue" "dead_letters" {
  name                              = "${var.name}-dead-letters"
  message_retention_seconds         = 14 * 24 * 60 * 60
  kms_master_key_id                 = local.kms_key
  kms_data_key_reuse_period_seconds = 60 * 60
  policy                            = local.queue_policies["dead-letters"]

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [local.queue_arns["messages"]]
  })
}

resource "aws_sqs_queue" "failed_events" {
  name                              = "${var.name}-failed-events"
  message_retention_seconds         = 14 * 24 * 60 * 60
  kms_master_key_id                 = local.kms_key
  kms_data_key_reuse_period_seconds = 60 * 60
  policy                            = local.queue_policies["failed-events"]
}
