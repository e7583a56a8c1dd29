# The key that encrypts the table, the queues and the logs.

locals {
  kms_key = coalesce(var.kms_key_arn, one(aws_kms_key.this[*].arn))

  # Each statement allows use of the key only through one service, and only for one table or
  # queue. DynamoDB encrypts the table with a key of its own, and uses this key only to
  # decrypt that one. So a function that reads or writes records needs only Decrypt. To send
  # to a queue, SQS generates a new data key, and checks it by decrypting it.
  use_key = {
    for use, s in {
      records          = { sid = "UseRecords", actions = ["kms:Decrypt"], service = "dynamodb", context = "dynamodb:tableName", value = aws_dynamodb_table.messages.name }
      sending          = { sid = "UseQueue", actions = ["kms:Decrypt", "kms:GenerateDataKey"], service = "sqs", context = "sqs:arn", value = local.queue_arns["messages"] }
      receiving        = { sid = "UseQueue", actions = ["kms:Decrypt"], service = "sqs", context = "sqs:arn", value = local.queue_arns["messages"] }
      keeping_failures = { sid = "UseFailedEvents", actions = ["kms:Decrypt", "kms:GenerateDataKey"], service = "sqs", context = "sqs:arn", value = local.queue_arns["failed-events"] }
      } : use => {
      Sid      = s.sid
      Effect   = "Allow"
      Action   = s.actions
      Resource = local.kms_key
      Condition = {
        StringEquals = {
          "kms:ViaService"                         = "${s.service}.${local.region}.amazonaws.com"
          "kms:EncryptionContext:aws:${s.context}" = s.value
        }
      }
    }
  }
}

resource "aws_kms_key" "this" {
  count = var.kms_key_arn == null ? 1 : 0

  description             = "${var.name}: table, queues and logs"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "LeaveItToIAM"
        Effect    = "Allow"
        Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
        Action    = "kms:*"
        Resource  = "*" # in a key policy, * means this key
      },
      {
        Sid       = "EncryptLogs"
        Effect    = "Allow"
        Principal = { Service = "logs.${local.region}.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
        Resource  = "*" # in a key policy, * means this key
        Condition = {
          ArnLike = {
            "kms:EncryptionContext:aws:logs:arn" = [
              for group in ["/aws/lambda/${var.name}-*", "/aws/apigateway/${var.name}"] :
              "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:${group}"
            ]
          }
        }
      },
    ]
  })
}

resource "aws_kms_alias" "this" {
  count = var.kms_key_arn == null ? 1 : 0

  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.this[0].key_id
}
